"""All rooms' chat in one web process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from channels.layers import get_channel_layer

from chat import services
from chat.address_limit import AddressLimit
from chat.audience import Audience
from chat.events import room_group
from chat.intake import Intake
from chat.moderation import RateLimiter, RateRule
from chat.page_queue import PageQueue
from chat.room_feed import RoomFeed

SOCKETS_PER_ADDRESS = 20
SOCKETS_IN_ALL = 2000
VIEWER_PACE = RateRule()
ADDRESS_PACE = RateRule(count=15, window_s=2.0, pause_s=5.0)
"""A household or an office shares an address, so it may write more than one viewer may."""
HELLO_PACE = RateRule(count=60, window_s=10.0, pause_s=5.0)
"""For an address: all its pages come back at once after a restart, each with a hello."""


class ChatHub:
    """Owner of what the chat sockets of this process share. Made without a running loop."""

    def __init__(
        self,
        tell_viewers: Callable[[str, int], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
        viewer_pace: RateRule = VIEWER_PACE,
        address_pace: RateRule = ADDRESS_PACE,
        hello_pace: RateRule = HELLO_PACE,
        sockets_per_address: int = SOCKETS_PER_ADDRESS,
        sockets_in_all: int = SOCKETS_IN_ALL,
    ) -> None:
        """`tell_viewers(slug, count)` is called after the number of sockets of a room changed. `clock`: seconds."""
        self.clock = clock
        self.addresses = AddressLimit(sockets_per_address, sockets_in_all)
        self.audience = Audience(tell_viewers)
        self.viewer_pace = RateLimiter(viewer_pace, clock)
        self.address_pace = RateLimiter(address_pace, clock)
        self.hello_pace = RateLimiter(hello_pace, clock)
        self.intake = Intake(announce)
        self._feeds: dict[str, RoomFeed] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def subscribe(self, slug: str, page: PageQueue) -> None:
        """Send the room's events to `page`; returns when none can be missed any more."""
        feed = self._feeds.get(slug)
        if feed is None:
            feed = self._feeds[slug] = RoomFeed(slug, get_channel_layer())
        await feed.join(page)

    def unsubscribe(self, slug: str, page: PageQueue) -> None:
        """Send no more to `page`. Again is harmless."""
        feed = self._feeds.get(slug)
        if feed is None:
            return
        feed.leave(page)
        if feed.is_empty:
            del self._feeds[slug]
            task = feed.close()
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Stop everything that runs here."""
        self.audience.close()
        self.intake.close()
        closing = [*self._closing, *(feed.close() for feed in self._feeds.values())]
        self._feeds.clear()
        await asyncio.gather(*closing, return_exceptions=True)


async def announce(slug: str, items: list[dict[str, Any]]) -> None:
    """Tell the pages of a room, in every web process, and the stages."""
    layer = get_channel_layer()
    assert layer is not None
    item = items[0] if len(items) == 1 else {"type": "batch", "items": items}
    await layer.group_send(room_group(slug), {"type": "room.event", "item": item})
    await services.nudge_stages(slug)
