"""A language model that says what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from chat.llm.base import ChatModelError, PromptMessage


class FakeChatModel:
    """Yields `pieces`, then raises `error`, or waits for ever where `hang` is set, or ends.

    asked:     the prompts that came.
    cancelled: streams that were closed before their end.
    """

    def __init__(
        self,
        pieces: Sequence[str] = ("Hello ", "there!"),
        *,
        name: str = "fake",
        error: ChatModelError | None = None,
        hang: bool = False,
    ) -> None:
        self.name = name
        self.pieces = list(pieces)
        self.error = error
        self.hang = hang
        self.asked: list[list[PromptMessage]] = []
        self.cancelled = 0
        self.closed = False

    async def stream(self, messages: list[PromptMessage]) -> AsyncGenerator[str, None]:
        self.asked.append(messages)
        ended = False
        try:
            for piece in self.pieces:
                await asyncio.sleep(0)
                yield piece
            if self.hang:
                await asyncio.Event().wait()
            ended = True
        finally:
            self.cancelled += not ended
        if self.error:
            raise self.error

    async def close(self) -> None:
        self.closed = True
