"""Plays a room's idle clip at real time while its render is away."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator

from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import FPS
from frontend.hub_time import HubTime
from frontend.idle_clip import IdleClip

SLIP_S = 1.0


class IdleLoop:
    """Emits the frames of a clip over and over, from its first key frame on, 25 a second."""

    def __init__(self, name: str, time: HubTime, emit: Callable[[MediaEnvelope], None]) -> None:
        self._name = name
        self._time = time
        self._emit = emit
        self._task: asyncio.Task[None] | None = None
        self._frames: Iterator[MediaEnvelope] = iter(())

    @property
    def running(self) -> bool:
        return self._task is not None

    def start(self, clip: IdleClip, started_s: float) -> None:
        """Play `clip`, in place of another one, as if since `started_s` on the clock."""
        self._frames = itertools.cycle(clip)
        self.go_on_at(started_s)

    def go_on_at(self, due_s: float) -> None:
        """The next frame of the clip is due at `due_s` on the clock."""
        self.stop()
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._play(due_s), name=f"idle-clip-{self._name}")

    def skip(self, frames: int) -> None:
        """Emit the next `frames` of the clip at once."""
        for envelope in itertools.islice(self._frames, frames):
            self._emit(envelope)

    def stop(self) -> None:
        """Emit no further frame."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _play(self, due_s: float) -> None:
        while True:
            late_s = self._time.clock() - due_s
            if late_s < 0:
                await self._time.sleep(-late_s)
            elif late_s > SLIP_S:
                # The process was stopped; what should have been shown meanwhile is of no use to anybody.
                due_s = self._time.clock()
            self.skip(1)
            due_s += 1 / FPS
