"""Who is in which room, as far as this web process knows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

TELL_EVERY_S = 1.0


class Audience:
    """Counts chat sockets by room, and tells each room its count at most twice a second."""

    def __init__(self, tell: Callable[[str, int], Awaitable[None]]) -> None:
        self._tell = tell
        self._rooms: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def count(self, room: str) -> int:
        return self._rooms[room]

    def join(self, room: str) -> None:
        """Count a socket."""
        self._rooms[room] += 1
        self._changed(room)

    def leave(self, room: str) -> None:
        """A counted socket is gone."""
        self._rooms[room] -= 1
        if self._rooms[room] <= 0:
            del self._rooms[room]
        self._changed(room)

    def _changed(self, room: str) -> None:
        if room not in self._tasks:
            self._tasks[room] = asyncio.create_task(self._tell_soon(room), name=f"audience-{room}")

    async def _tell_soon(self, room: str) -> None:
        await asyncio.sleep(TELL_EVERY_S / 2)
        del self._tasks[room]
        await self._tell(room, self.count(room))

    def close(self) -> None:
        """Stop telling."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
