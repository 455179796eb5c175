"""Puts the frames of any source onto the clock of 25 a second, by their times."""

from __future__ import annotations

from fractions import Fraction

from avatar_engine.timing import FPS

_VARIES = 0.25


class Retimer:
    """Says how often each frame is shown. Output n lies at n/25 s from the first frame and shows the nearest frame."""

    def __init__(self) -> None:
        self._first: Fraction | None = None
        self._last = Fraction(0)
        self._intervals: list[Fraction] = []
        self.frames = 0
        """Outputs given so far."""

    @property
    def seconds(self) -> float:
        """From the first frame to the last one, s."""
        return float(self._last)

    def push(self, time_s: Fraction) -> int | None:
        """A frame at `time_s` comes: how often the frame before it is shown, 0 or more.

        None: this frame is to be left out, since it is not later than the one before. The first gives 0.
        """
        if self._first is None:
            self._first = time_s
            return 0
        moment = time_s - self._first
        if moment <= self._last:
            return None
        self._intervals.append(moment - self._last)
        count = self._count_until((self._last + moment) / 2)
        self._last = moment
        return count

    def finish(self) -> int:
        """How often the last frame is shown: for as long as the middle one of all frames."""
        if self._first is None:
            return 0
        return self._count_until(self._last + self._middle_interval() / 2)

    @property
    def varies(self) -> bool:
        """Whether more than a hundredth of the intervals differ much from the middle one."""
        middle = self._middle_interval()
        odd = sum(abs(interval - middle) > middle * Fraction(_VARIES) for interval in self._intervals)
        return odd > len(self._intervals) / 100 and odd > 1

    def _middle_interval(self) -> Fraction:
        if not self._intervals:
            return Fraction(1, FPS)
        return sorted(self._intervals)[len(self._intervals) // 2]

    def _count_until(self, end_s: Fraction) -> int:
        """Outputs from the next one to the last before `end_s`."""
        outputs = -((-end_s * FPS) // 1)  # rounded up: output n is taken while n/25 < end
        count = max(0, int(outputs) - self.frames)
        self.frames += count
        return count
