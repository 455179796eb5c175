"""What was performed, kept until stage has written it into its rows."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any, Literal

KEPT_REPORTS = 256

Event = Literal["started", "ended", "cut"]


class ReportLog:
    """Numbered reports of one room and epoch; the oldest is dropped past 256."""

    def __init__(self, room: str, epoch: int) -> None:
        self._room = room
        self._epoch = epoch
        self._number = 0
        self._kept: OrderedDict[int, dict[str, Any]] = OrderedDict()

    def add(self, event: Event, sentence: int, turn: int, pts: int, heard_ms: int) -> dict[str, Any]:
        """Make, keep and return a report."""
        self._number += 1
        report = {
            "type": "report",
            "room": self._room,
            "n": self._number,
            "event": event,
            "sentence": sentence,
            "turn": turn,
            "epoch": self._epoch,
            "pts": pts,
            "heard_ms": heard_ms,
            "wall_ms": time.time_ns() // 1_000_000,
        }
        self._kept[self._number] = report
        while len(self._kept) > KEPT_REPORTS:
            self._kept.popitem(last=False)
        return report

    def acknowledge(self, number: int) -> None:
        """Forget reports up to `number`."""
        for known in [n for n in self._kept if n <= number]:
            del self._kept[known]

    @property
    def unacknowledged(self) -> list[dict[str, Any]]:
        return list(self._kept.values())
