"""One growing clock a room, whatever happens to the render behind it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from avatar_engine.timing import FPS, SAMPLES_PER_FRAME

# 2026-01-01. A web process that restarts goes on later than it stopped, so pages that come back need not rewind.
ORIGIN_S = 1_767_225_600
REMEMBERED_SPANS = 32
REMEMBERED_EPOCHS = 4
IDLE_EPOCH = 0


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` on, room pts = epoch pts + offset. Idle clip spans belong to no epoch."""

    start: int
    epoch: int
    offset: int


class RoomClock:
    """Gives every frame the room pts right after the one before, so pages see no gap and no step back."""

    def __init__(self, wall_s: float) -> None:
        """`wall_s`: seconds since 1970 now; sets where the clock starts."""
        self.next_pts = max(1, int((wall_s - ORIGIN_S) * FPS)) * SAMPLES_PER_FRAME
        self._spans: deque[Span] = deque(maxlen=REMEMBERED_SPANS)

    def place(self, epoch: int, pts: int, offset: int | None = None) -> tuple[int, bool]:
        """Room pts of the frame, and whether the epoch has a new offset from here on.

        With `offset` the place is given: the room clock moves there.
        """
        if offset is not None:
            self.next_pts = pts + offset
        room_pts = self.next_pts
        span = self._spans[-1] if self._spans else None
        moved = span is None or span.epoch != epoch or span.offset + pts != room_pts
        if moved:
            self._spans.append(Span(room_pts, epoch, room_pts - pts))
        self.next_pts += SAMPLES_PER_FRAME
        return room_pts, moved

    def place_idle(self) -> int:
        """Room pts of one frame of the idle clip."""
        room_pts = self.next_pts
        if not self._spans or self._spans[-1].epoch != IDLE_EPOCH:
            self._spans.append(Span(room_pts, IDLE_EPOCH, 0))
        self.next_pts += SAMPLES_PER_FRAME
        return room_pts

    def locate(self, room_pts: int) -> tuple[int, int] | None:
        """Epoch and epoch pts shown at `room_pts`; None in the idle clip, in the future or too long ago."""
        if room_pts >= self.next_pts:
            return None
        for span in reversed(self._spans):
            if span.start <= room_pts:
                return None if span.epoch == IDLE_EPOCH else (span.epoch, room_pts - span.offset)
        return None

    def timeline(self) -> list[tuple[int, int]]:
        """(epoch, offset) of the recent epochs, oldest first, each with its newest offset."""
        offsets = {span.epoch: span.offset for span in self._spans if span.epoch != IDLE_EPOCH}
        return list(offsets.items())[-REMEMBERED_EPOCHS:]
