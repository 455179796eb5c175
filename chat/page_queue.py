"""What waits to be sent to one page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

MOST_FRAMES = 256


def build_frame(item: dict[str, Any]) -> str:
    """An event as the page gets it."""
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


class PageQueue:
    """Frames for one page, at most 256; one more is dropped and says `overflowed`, and the page is given up.

    What the room does waits for the welcome, so that a page learns who it is first.
    """

    def __init__(self) -> None:
        self._frames: asyncio.Queue[str | int] = asyncio.Queue(MOST_FRAMES)
        self._early: list[str] = []
        self.greeted = asyncio.Event()
        self.overflowed = asyncio.Event()
        self.ended = False

    def put(self, frame: str | int) -> None:
        """Queue a frame that is an answer to this page. Never waits."""
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.overflowed.set()

    def offer(self, frame: str) -> None:
        """Queue a frame that is for every page of the room. Never waits."""
        if self.greeted.is_set():
            self.put(frame)
        elif len(self._early) < MOST_FRAMES:
            self._early.append(frame)
        else:
            self.overflowed.set()

    def greet(self, welcome: Sequence[str]) -> None:
        """Queue the welcome, and what came from the room before it was ready."""
        self.greeted.set()
        for frame in (*welcome, *self._early):
            self.put(frame)
        self._early.clear()

    def end(self, code: int) -> None:
        """Nothing more: the socket closes with `code` after what waits."""
        self.ended = True
        self.put(code)

    async def get(self) -> str | int:
        """The next frame to send, or the code to close with. One reader only."""
        return await self._frames.get()
