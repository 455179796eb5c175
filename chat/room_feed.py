"""What happens in a room, on its way to the pages of this web process."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from chat.coalescer import Coalescer
from chat.events import room_group
from chat.page_queue import PageQueue, build_frame

log = logging.getLogger(__name__)

WINDOW_S = 0.2
RENEW_EVERY_S = 3600.0
RETRY_S = 1.0


class RoomFeed:
    """One subscription of the channel layer for all pages of a room, and one frame for all of them.

    What viewers say goes out at once where nothing did for 200 ms, and with everything else of these 200 ms otherwise.
    What the presenter does never waits, and takes along what came before it.
    """

    def __init__(self, slug: str, layer: Any) -> None:
        """Subscribes at once, in a task; `ready` says when."""
        self._slug = slug
        self._layer = layer
        self._pages: set[PageQueue] = set()
        self._coalescer = Coalescer()
        self._loop = asyncio.get_running_loop()
        self._sent_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._task = asyncio.create_task(self._run(), name=f"feed-{slug}")

    @property
    def is_empty(self) -> bool:
        return not self._pages

    async def join(self, page: PageQueue) -> None:
        """Send to `page` from now on; returns when nothing that happens can be missed any more."""
        self._pages.add(page)
        await asyncio.shield(self._ready)

    def leave(self, page: PageQueue) -> None:
        """Send to `page` no more. Again is harmless."""
        self._pages.discard(page)

    def close(self) -> asyncio.Task[None]:
        """End the subscription; returns the task that does it."""
        if self._timer is not None:
            self._timer.cancel()
        self._task.cancel()
        return self._task

    async def _run(self) -> None:
        channel = await self._layer.new_channel()
        group = room_group(self._slug)
        renewing = asyncio.create_task(self._keep_subscribed(group, channel), name=f"renew-{self._slug}")
        try:
            while True:
                try:
                    message = await self._layer.receive(channel)
                    self._take(message["item"])
                except Exception:  # the loop's edge: a layer that is away, or one bad item, must not end the room
                    log.exception("room %s: an event was lost", self._slug)
                    await asyncio.sleep(RETRY_S)
        finally:
            renewing.cancel()
            await self._layer.group_discard(group, channel)

    async def _keep_subscribed(self, group: str, channel: str) -> None:
        """Layers forget members of a group after a day."""
        while True:
            try:
                await self._layer.group_add(group, channel)
            except Exception:  # the loop's edge: the layer may be away for a while
                log.exception("room %s: not subscribed", self._slug)
                await asyncio.sleep(RETRY_S)
                continue
            if not self._ready.done():
                self._ready.set_result(None)
            await asyncio.sleep(RENEW_EVERY_S)

    def _take(self, item: dict[str, Any]) -> None:
        is_urgent = self._coalescer.add(item)
        left_s = self._sent_at + WINDOW_S - self._loop.time()
        if is_urgent or left_s <= 0 or self._coalescer.is_full:
            self._flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(left_s, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        items = self._coalescer.take()
        self._sent_at = self._loop.time()
        frame = build_frame(items[0] if len(items) == 1 else {"type": "batch", "items": items})
        for page in self._pages:
            page.offer(frame)
