"""How far a fetch has come: a small JSON file that other processes read, and lines for whoever watches."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

FetchState = Literal["fetching", "checking", "whole", "failed"]

_WRITE_EVERY_S = 0.5
_BAR_CELLS = 30


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """done, total: bytes. `error` says what went wrong where the state is "failed", else ""."""

    name: str
    state: FetchState
    done: int
    total: int
    error: str = ""

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 0


def progress_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.progress.json"


def read_progress(folder: Path, name: str) -> FetchProgress | None:
    """What the last fetch of this weight said, or None where none has begun."""
    try:
        fields = json.loads(progress_path(folder, name).read_text())
        return FetchProgress(fields["name"], fields["state"], fields["done"], fields["total"], fields["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_arriving_percent(folder: Path, name: str) -> int | None:
    """0 to 99 while the file is being fetched or checked, else None."""
    progress = read_progress(folder, name)
    if progress is None or progress.state not in ("fetching", "checking"):
        return None
    return min(99, progress.percent)


class ProgressFile:
    """Keeps `<name>.progress.json` up to date; a reader never sees half a file."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._written_s = float("-inf")
        self._state: FetchState | None = None

    def __call__(self, progress: FetchProgress) -> None:
        now_s = self._clock()
        if progress.state == self._state and now_s - self._written_s < _WRITE_EVERY_S:
            return
        self._written_s, self._state = now_s, progress.state
        path = progress_path(self._folder, progress.name)
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps({**asdict(progress), "percent": progress.percent}))
        os.replace(draft, path)


class ProgressLines:
    """Shows progress to a person: a bar that redraws itself on a terminal, else one line for every ten percent."""

    def __init__(self, write: Callable[[str], object], *, terminal: bool) -> None:
        """`write` shows text as it is, without adding a line end."""
        self._write = write
        self._terminal = terminal
        self._shown: tuple[str, FetchState, int] | None = None
        self._bar_width = 0

    def __call__(self, progress: FetchProgress) -> None:
        step = (progress.name, progress.state, self._step(progress))
        if step == self._shown:
            return
        self._shown = step
        wipe = "\r" + " " * self._bar_width + "\r" if self._bar_width else ""
        if self._terminal and progress.state in ("fetching", "checking"):
            line = _bar_line(progress)
            self._bar_width = len(line)
            self._write(wipe + line)
        else:
            self._bar_width = 0
            self._write(f"{wipe}{_plain_line(progress)}\n")

    def _step(self, progress: FetchProgress) -> int:
        if self._terminal:
            return progress.percent
        return progress.percent // 10 if progress.state == "fetching" else 0


def _bar_line(progress: FetchProgress) -> str:
    filled = progress.percent * _BAR_CELLS // 100
    bar = "#" * filled + "." * (_BAR_CELLS - filled)
    return f"{progress.name} [{bar}] {progress.percent:3d}% of {progress.total / 1e6:.0f} MB {progress.state}"


def _plain_line(progress: FetchProgress) -> str:
    if progress.state == "failed":
        return f"{progress.name}: failed: {progress.error}"
    if progress.state == "whole":
        return f"{progress.name}: whole, hash checked"
    if progress.state == "checking":
        return f"{progress.name}: checking the hash"
    return f"{progress.name}: {progress.percent}% of {progress.total / 1e6:.0f} MB"
