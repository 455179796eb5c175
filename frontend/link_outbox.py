"""What waits for one stage or render process on its socket here, so that a slow one holds nobody else up."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from frontend.switchboard import Peer

log = logging.getLogger(__name__)

OUTBOX_MESSAGES = 1000


class LinkOutbox:
    """Sends in order from a task of its own. A peer that leaves 1000 messages waiting is hung up on."""

    def __init__(self, peer: Peer, role: str, number: int, rooms: set[str]) -> None:
        """`rooms`: those that a render process shows."""
        self.peer = peer
        self.role = role
        self.number = number
        self.rooms = rooms
        self._waiting: asyncio.Queue[dict[str, Any] | bytes] = asyncio.Queue(OUTBOX_MESSAGES)
        self._task = asyncio.create_task(self._run(), name=f"link-{peer.name}")
        self._ending: asyncio.Task[None] | None = None

    def put(self, message: dict[str, Any] | bytes) -> None:
        """Queue a text message or a binary frame."""
        if isinstance(message, dict):
            self._follow(message)
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            log.error("%s %s takes nothing any more", self.role, self.peer.name)
            self.hang_up()

    def _follow(self, message: dict[str, Any]) -> None:
        if message["type"] == "room.open":
            self.rooms.add(str(message["room"]))
        elif message["type"] == "room.close":
            self.rooms.discard(str(message["room"]))

    def hang_up(self) -> None:
        """End the socket; nothing more is sent."""
        if self._ending is None:
            self.stop()
            self._ending = asyncio.create_task(self.peer.hang_up(), name=f"hang-up-{self.peer.name}")

    def stop(self) -> None:
        """The socket is gone."""
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            message = await self._waiting.get()
            if isinstance(message, dict):
                await self.peer.send_text(message)
            else:
                await self.peer.send_binary(message)
