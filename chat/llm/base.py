"""The contract of every language model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol, TypedDict


class PromptMessage(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


class ChatModelError(Exception):
    """A model could not answer. `retryable`: another try, or another model, may."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class TextStream(Protocol):
    """An async iterator of text that can be closed; every async generator of `str` is one."""

    def __aiter__(self) -> AsyncIterator[str]: ...

    async def __anext__(self) -> str: ...

    async def aclose(self) -> None: ...


class ChatModel(Protocol):
    """Streams a reply."""

    @property
    def name(self) -> str:
        """What the turn's row records, for example "qwen2.5-coder-1.5b (embedded)"."""
        ...

    def stream(self, messages: list[PromptMessage]) -> TextStream:
        """Yield pieces of text as they come. Closing the iterator cancels the request. Raises `ChatModelError`."""
        ...

    async def close(self) -> None:
        """Release connections. No stream may be open."""
        ...
