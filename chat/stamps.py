"""Times of a turn at each border it crosses, seconds since 1970."""

from __future__ import annotations

import time
from collections.abc import Callable

from chat.models import Turn

ORDER = (
    "received",
    "accepted",
    "picked",
    "prompt_sent",
    "first_token",
    "first_sentence",
    "voice_sent",
    "first_sound",
    "first_frame",
    "delivered",
    "displayed",
)


class Stamps:
    """Writes each stamp of one turn once: the first time that its border is crossed."""

    def __init__(self, turn: Turn, wall: Callable[[], float] = time.time) -> None:
        self._turn = turn
        self._wall = wall

    def __call__(self, name: str, at: float | None = None) -> None:
        """Stamp `name` now, or at `at`."""
        if name not in ORDER:
            raise ValueError(f"{name!r} is not a border of a turn")
        self._turn.stamps.setdefault(name, self._wall() if at is None else at)
