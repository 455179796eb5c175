"""The one slot of the embedded server: turns have it whenever they want it, reading ahead has what is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from chat.llm.base import ChatModel, PromptMessage


class ModelSlot:
    """Who wants the embedded model in this process. Made without a running loop."""

    def __init__(self) -> None:
        self._turns = 0
        self.free = asyncio.Event()
        """No turn wants the model."""
        self.wanted = asyncio.Event()
        """A turn does; the opposite of `free`, to be waited for."""
        self.free.set()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A turn wants the model, from here to the end of its reply."""
        self._turns += 1
        self._tell()
        try:
            yield
        finally:
            self._turns -= 1
            self._tell()

    def _tell(self) -> None:
        one, other = (self.wanted, self.free) if self._turns else (self.free, self.wanted)
        one.set()
        other.clear()


class SlotModel:
    """The embedded model as turns ask it: while one reads a reply, nobody reads ahead."""

    def __init__(self, model: ChatModel, slot: ModelSlot) -> None:
        self._model = model
        self._slot = slot

    @property
    def name(self) -> str:
        return self._model.name

    async def stream(self, messages: list[PromptMessage]) -> AsyncGenerator[str, None]:
        """See `ChatModel.stream`."""
        with self._slot.taken():
            async with aclosing(self._model.stream(messages)) as pieces:
                async for piece in pieces:
                    yield piece

    async def close(self) -> None:
        await self._model.close()
