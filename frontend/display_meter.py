"""Which moment of the room has been seen by somebody."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

REPORT_GAP_S = 0.25
REMEMBERED_STARTS = 32


class DisplayMeter:
    """Says when a displayed room pts is news: beyond all others, and at most 4 times a second.

    The first displayed moment at or after the start of speech is news at once.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._furthest = -1
        self._reported_at = float("-inf")
        self._speech_starts: deque[int] = deque(maxlen=REMEMBERED_STARTS)

    def mark_speech(self, room_pts: int) -> None:
        """Speech starts at `room_pts`."""
        self._speech_starts.append(room_pts)

    def is_news(self, room_pts: int) -> bool:
        """Whether to report that a viewer shows `room_pts`; True counts as reported."""
        if room_pts <= self._furthest:
            return False
        self._furthest = room_pts
        started = False
        while self._speech_starts and self._speech_starts[0] <= room_pts:
            self._speech_starts.popleft()
            started = True
        now = self._clock()
        if not started and now - self._reported_at < REPORT_GAP_S:
            return False
        self._reported_at = now
        return True
