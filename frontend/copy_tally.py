"""How many watch and chat, added up over all web copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

GONE_AFTER_S = 3.0


@dataclass(slots=True)
class CopyCounts:
    """What one copy said last, and when on our clock."""

    at_s: float
    viewers: dict[str, int] = field(default_factory=dict)
    chatters: dict[str, int] = field(default_factory=dict)


class CopyTally:
    """Counts by copy; a copy that says nothing for 3 s is gone, and its counts with it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._copies: dict[str, CopyCounts] = {}

    def hear(self, copy: str, viewers: dict[str, int], chatters: dict[str, int]) -> None:
        """A copy's counts by room; they replace those it said before."""
        self._copies[copy] = CopyCounts(self._clock(), viewers, chatters)

    def drop_silent(self) -> list[str]:
        """Forget copies that are gone; returns their names."""
        limit = self._clock() - GONE_AFTER_S
        gone = [copy for copy, counts in self._copies.items() if counts.at_s < limit]
        for copy in gone:
            del self._copies[copy]
        return gone

    def silent_s(self, copy: str) -> float:
        """Seconds since the copy was heard; infinite where it is not known."""
        counts = self._copies.get(copy)
        return float("inf") if counts is None else self._clock() - counts.at_s

    def viewers(self, *, without: str = "") -> Counter[str]:
        """Media viewers by room, of all copies but `without`."""
        return _add_up(counts.viewers for copy, counts in self._copies.items() if copy != without)

    def chatters(self, *, without: str = "") -> Counter[str]:
        """Chat sockets by room, of all copies but `without`."""
        return _add_up(counts.chatters for copy, counts in self._copies.items() if copy != without)


def _add_up(counts: Iterable[dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for of_copy in counts:
        total.update(of_copy)
    return total
