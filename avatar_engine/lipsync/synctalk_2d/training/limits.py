"""When a run ends before its training does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from avatar_engine.lipsync.synctalk_2d.training.journal import STOP_FILE

Ending = Literal["paused", "stopped"]


class Limits:
    """Time, steps, a wish to stop and the life of the parent process, asked once a step.

    seconds, steps: of this run, None for no limit. folder: the training folder, where a file `stop` ends the run.
    parent:         number of the process whose end ends the run, or None.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float | None = None,
        steps: int | None = None,
        parent: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = folder / STOP_FILE
        self._until_s = None if seconds is None else clock() + seconds
        self._steps = steps
        self._parent = parent
        self._clock = clock
        self._asked = False

    def ask_to_pause(self) -> None:
        """End after the step that runs; for signal handlers."""
        self._asked = True

    def count_step(self) -> None:
        if self._steps is not None:
            self._steps -= 1

    def find_ending(self) -> Ending | None:
        """Why the run ends now: "stopped" where a person wants no more, "paused" where it is to go on later."""
        if self._stop.exists():
            return "stopped"
        orphaned = self._parent is not None and os.getppid() != self._parent
        late = self._until_s is not None and self._clock() >= self._until_s
        if self._asked or orphaned or late or (self._steps is not None and self._steps <= 0):
            return "paused"
        return None
