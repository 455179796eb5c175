"""How fast one page may report."""

from __future__ import annotations

from collections.abc import Callable


class ReportPace:
    """A bucket of `burst` reports that fills again at `per_second`."""

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._left = float(burst)
        self._at = clock()

    def take(self) -> bool:
        """Count one report; False where the bucket is empty."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
