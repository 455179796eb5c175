"""One turn's way from the viewer's click to the picture, as the console draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chat.stamps import ORDER


@dataclass(frozen=True, slots=True)
class LatencySpan:
    """The time from the stamp before to `step`. `start` and `width` are percent of the whole way."""

    step: str
    took_ms: int
    at_ms: int
    start: float
    width: float

    @property
    def key(self) -> str:
        """Key of the step's name in the strings files."""
        return f"stamp.{self.step}"

    def to_item(self) -> dict[str, object]:
        """For the page's script."""
        return {"step": self.step, "took_ms": self.took_ms, "start": self.start, "width": self.width}


@dataclass(frozen=True, slots=True)
class LatencyLine:
    """All spans of one turn in order; `total_ms` from its first stamp to its last."""

    spans: tuple[LatencySpan, ...]
    total_ms: int


def build_latency(stamps: Mapping[str, object]) -> LatencyLine | None:
    """The line of `stamps`, seconds since 1970 by step; None where there are fewer than two.

    Clocks of two machines may disagree: a step that seems earlier than the one before counts as no time at all.
    """
    known = [(step, float(value)) for step in ORDER if isinstance(value := stamps.get(step), int | float)]
    if len(known) < 2:
        return None
    first = reached = known[0][1]
    total = max(max(value for _, value in known) - first, 0.001)
    spans: list[LatencySpan] = []
    for step, value in known[1:]:
        start, reached = reached, max(reached, value)
        spans.append(
            LatencySpan(
                step,
                took_ms=round((reached - start) * 1000),
                at_ms=round((reached - first) * 1000),
                start=round(100 * (start - first) / total, 2),
                width=round(100 * (reached - start) / total, 2),
            )
        )
    return LatencyLine(tuple(spans), round(total * 1000))
