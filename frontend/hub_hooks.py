"""What the hub tells the relay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

MAX_PENDING = 1000

Hook = Callable[..., Awaitable[None]]


async def ignore(*_: object) -> None:
    """The hook of one who does not want to know."""


@dataclass(frozen=True, slots=True)
class HubHooks:
    """Called in the order of events, one at a time, never inside `publish`.

    on_displayed(room, epoch, pts, wall_ms): the first viewer that shows this moment or a later one; at most 4/s,
        and at once for the start of speech.
    on_delivered(room, epoch, pts, generation, wall_ms): the first speaking frame of a run of speech left the hub.
    on_keyframe_wanted(room): a key frame is needed; at most 1/s.
    on_audience(room, viewers): the number of viewers changed.
    on_room(room): the hub shows this room from now on.
    on_room_gone(room): the hub shows it no more.
    """

    on_displayed: Callable[[str, int, int, float], Awaitable[None]] = ignore
    on_delivered: Callable[[str, int, int, int, float], Awaitable[None]] = ignore
    on_keyframe_wanted: Callable[[str], Awaitable[None]] = ignore
    on_audience: Callable[[str, int], Awaitable[None]] = ignore
    on_room: Callable[[str], Awaitable[None]] = ignore
    on_room_gone: Callable[[str], Awaitable[None]] = ignore


class HookRunner:
    """Calls hooks from a task of its own, so that a slow link never holds a frame up.

    The queue is bounded: at 1000 pending calls the newest is dropped and logged; rows know what it would have said.
    """

    def __init__(self) -> None:
        self._pending: asyncio.Queue[tuple[Hook, tuple[Any, ...]]] = asyncio.Queue(MAX_PENDING)
        self._task: asyncio.Task[None] | None = None

    def call(self, hook: Hook, *arguments: object) -> None:
        """Run `hook(*arguments)` after the calls before it."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="hub-hooks")
        try:
            self._pending.put_nowait((hook, arguments))
        except asyncio.QueueFull:
            log.error("the relay is stuck: a call with %r is dropped", arguments)

    async def close(self) -> None:
        """Stop; pending calls are dropped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            hook, arguments = await self._pending.get()
            try:
                await hook(*arguments)
            except Exception:  # a loop's edge: one failed call must not end the others
                log.exception("hub hook with %r failed", arguments)
