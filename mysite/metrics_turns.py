"""What turns took, how they ended and who answered: read from the rows of turns that have ended."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from django.db.models import Max
from prometheus_client import CollectorRegistry, Counter, Histogram

from chat.models import Turn
from chat.stamps import ORDER

ROWS_A_READ = 500
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, 30.0, 60.0)
ENDED = (Turn.State.FINISHED, Turn.State.INTERRUPTED, Turn.State.FAILED)


class TurnMeter:
    """Counts every turn once, soon after its end, from the first `read` on.

    Each web copy counts all turns, because rows belong to none of them: take one copy's figures, never their sum.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._step = Histogram(
            "footlight_turn_step_seconds",
            "From the border that a turn crossed before to this one.",
            ["border"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._reached = Histogram(
            "footlight_turn_reached_seconds",
            "From the first stamp of a turn to this border.",
            ["border"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._turns = Counter("footlight_turns", "Turns that ended.", ["kind", "state"], registry=registry)
        self._models = Counter(
            "footlight_model_attempts", "Language models asked, by what came of it.", ["outcome"], registry=registry
        )
        self._voices = Counter(
            "footlight_voice_outcomes",
            "Turns by the voice that spoke them; sentences that a voice failed on.",
            ["voice", "outcome"],
            registry=registry,
        )
        for border in ORDER[1:]:
            self._step.labels(border)
            self._reached.labels(border)
        self._done: int | None = None
        """All turns up to this key are counted, or were there before the first read."""
        self._ahead: set[int] = set()
        """Counted turns past `_done`: a turn before them has not ended."""

    def read(self) -> None:
        """Count turns that have ended since. At most 500 rows by primary key: the rest waits for the next read."""
        if self._done is None:
            self._done = Turn.objects.filter(state__in=ENDED).aggregate(last=Max("pk"))["last"] or 0
            return
        rows = list(
            Turn.objects.filter(pk__gt=self._done)
            .order_by("pk")
            .only("pk", "kind", "state", "stamps", "happened", "voice_name")[:ROWS_A_READ]
        )
        for turn in rows:
            if turn.state in ENDED and turn.pk not in self._ahead:
                self._count(turn)
                self._ahead.add(turn.pk)
        self._move_on(rows)

    def _move_on(self, rows: Sequence[Turn]) -> None:
        for turn in rows:
            # A turn that does not end must not hold the others up for ever.
            if turn.pk not in self._ahead and len(rows) < ROWS_A_READ:
                return
            self._ahead.discard(turn.pk)
            self._done = turn.pk

    def _count(self, turn: Turn) -> None:
        self._turns.labels(turn.kind, turn.state).inc()
        self._time(turn.stamps)
        for item in turn.happened:
            if item.get("what") == "model":
                self._models.labels(str(item.get("outcome"))).inc()
            elif item.get("what") == "voice":
                self._voices.labels(str(item.get("failed")), "failed").inc()
        if turn.voice_name:
            self._voices.labels(turn.voice_name, "spoke").inc()

    def _time(self, stamps: Mapping[str, float]) -> None:
        crossed = [(border, stamps[border]) for border in ORDER if border in stamps]
        for (_, before), (border, at) in itertools.pairwise(crossed):
            # Clocks of several machines may differ; less than nothing is nothing.
            self._step.labels(border).observe(max(0.0, at - before))
            self._reached.labels(border).observe(max(0.0, at - crossed[0][1]))
