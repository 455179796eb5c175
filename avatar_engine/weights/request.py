"""A person's wish for a weight file, from the button in one process to the worker in another, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avatar_engine.weights import Weight, is_whole
from avatar_engine.weights.lock import is_being_fetched
from avatar_engine.weights.progress import progress_path, read_progress

FileState = Literal["here", "arriving", "checking", "asked", "late", "failed", "broken_off", "missing"]
LATE_S = 10.0
"""A free worker takes a wish up within two seconds; after this time something is in its way."""


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One weight file as a person sees it.

    asked: somebody pressed the button, no process has begun. late: for `LATE_S` already, so it may be asked again.
    broken_off: a fetch ended without a word; the next goes on at `percent`. error: why, where the state is "failed".
    """

    state: FileState
    percent: int = 0
    error: str = ""

    @property
    def may_ask(self) -> bool:
        """Whether another wish makes sense."""
        return self.state in ("missing", "failed", "broken_off", "late")

    @property
    def is_coming(self) -> bool:
        """Whether the bytes are on their way now."""
        return self.state in ("arriving", "checking")


def read_status(weight: Weight, folder: Path, clock: Callable[[], float] = time.time) -> FileStatus:
    """What is known of the file. `folder` is the weights folder; `clock` gives seconds since 1970."""
    if is_whole(weight, folder):
        return FileStatus("here", 100)
    progress = read_progress(folder, weight.name)
    percent = min(99, progress.percent) if progress else 0
    if is_being_fetched(folder, weight.name):
        return FileStatus("checking" if progress and progress.state == "checking" else "arriving", percent)
    asked_s = _changed_at(_request_path(folder, weight.name))
    if asked_s > _changed_at(progress_path(folder, weight.name)):  # else a fetch has answered it
        return FileStatus("late" if clock() - asked_s >= LATE_S else "asked", percent)
    if progress is None or progress.state == "whole":  # it was here, and somebody took it away
        return FileStatus("missing")
    if progress.state == "failed":
        return FileStatus("failed", percent, progress.error)
    return FileStatus("broken_off", percent)


def keep_request(weight: Weight, folder: Path) -> None:
    """Note that somebody asked for the file just now."""
    folder.mkdir(parents=True, exist_ok=True)
    _request_path(folder, weight.name).write_bytes(b"")


def drop_request(weight: Weight, folder: Path) -> None:
    """The wish could not be passed on."""
    _request_path(folder, weight.name).unlink(missing_ok=True)


def _request_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.asked"


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
