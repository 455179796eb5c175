"""Keeps the embedded model's prompt cache warm: what the next prompt begins with is read while nobody waits."""

from __future__ import annotations

import asyncio
import logging

from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.registry import build_embedded_model

log = logging.getLogger(__name__)

RETRY_S = 2.0


class ModelWarmer:
    """Sends the prefix of each room, again and again until the embedded server has read it."""

    def __init__(self, port: int) -> None:
        self._model = build_embedded_model(port)
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
                room = next(iter(self._cold))
                if not await self._warm(room):
                    await asyncio.sleep(RETRY_S)

    async def _warm(self, room: str) -> bool:
        self._cold.discard(room)
        try:
            await self._model.warm(self._prefixes[room])
        except ChatModelError as error:
            log.debug("the embedded model is not there yet: %s", error)
            if room in self._prefixes:
                self._cold.add(room)
            return False
        if room not in self._known:
            self._known.add(room)
            log.info("room %s: the language model knows its persona", room)
        return True

    async def close(self) -> None:
        """Release the client."""
        await self._model.close()
