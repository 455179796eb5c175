"""Keeps the embedded model's prompt cache warm: what the next prompt begins with is read while nobody waits."""

from __future__ import annotations

import asyncio
import logging

from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.registry import build_embedded_model
from chat.llm.slot import ModelSlot

log = logging.getLogger(__name__)

RETRY_S = 2.0


class ModelWarmer:
    """Sends the prefix of each room, again and again until the embedded server has read it.

    A turn that wants the model ends what is being read, at once: the server has one slot. It keeps what it has read
    so far, and the rest is read when no turn wants the model any more.
    """

    def __init__(self, port: int, slot: ModelSlot) -> None:
        self._model = build_embedded_model(port)
        self._slot = slot
        self._prefixes: dict[str, list[PromptMessage]] = {}
        self._cold: set[str] = set()
        self._known: set[str] = set()
        self._work = asyncio.Event()

    def add(self, room: str, prefix: list[PromptMessage]) -> None:
        """Warm this prefix as soon as possible; it replaces an earlier one of the room."""
        self._prefixes[room] = prefix
        self._cold.add(room)
        self._work.set()

    def remove(self, room: str) -> None:
        """The room is off air."""
        self._prefixes.pop(room, None)
        self._cold.discard(room)
        self._known.discard(room)

    async def run(self) -> None:
        """Warm until cancelled."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._cold:
                await self._slot.free.wait()
                if not self._cold:
                    break
                room = next(iter(self._cold))
                if not await self._warm(room):
                    await asyncio.sleep(RETRY_S)

    async def _warm(self, room: str) -> bool:
        """Read the prefix of `room`; False where the server did not answer."""
        self._cold.discard(room)
        try:
            is_read = await self._read(self._prefixes[room])
        except ChatModelError as error:
            log.debug("the embedded model is not there yet: %s", error)
            self._keep_cold(room)
            return False
        if not is_read:
            self._keep_cold(room)
        elif room not in self._known:
            self._known.add(room)
            log.info("room %s: the language model knows its persona", room)
        return True

    async def _read(self, prefix: list[PromptMessage]) -> bool:
        """Have the server read `prefix`; False where a turn wanted the slot first. Raises `ChatModelError`."""
        reading = asyncio.create_task(self._model.warm(prefix), name="read-ahead")
        wanted = asyncio.create_task(self._slot.wanted.wait(), name="read-ahead-until")
        try:
            await asyncio.wait({reading, wanted}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
                return True
            return False
        finally:
            for task in (reading, wanted):
                task.cancel()  # which closes the request, and so frees the slot
            await asyncio.gather(reading, wanted, return_exceptions=True)

    def _keep_cold(self, room: str) -> None:
        if room in self._prefixes:
            self._cold.add(room)

    async def close(self) -> None:
        """Release the client."""
        await self._model.close()
