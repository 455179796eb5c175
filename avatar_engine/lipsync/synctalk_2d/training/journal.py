"""What a training tells the world while it runs: a log of losses and one small file with its state."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.training.atomic import explain_full_disk, write_whole

TrainingState = Literal["preparing", "syncnet", "unet", "exporting", "paused", "stopped", "done", "failed"]
LOG_FILE = "log.jsonl"
STATE_FILE = "state.json"
STOP_FILE = "stop"
LOCK_FILE = "lock"


class Journal:
    """Writes `log.jsonl` and `state.json` in the training folder. `clock` gives seconds since 1970."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock
        folder.mkdir(parents=True, exist_ok=True)

    def log(self, phase: str, step: int, numbers: dict[str, float]) -> None:
        """Add a line. Raises `TrainingError` on a full disk."""
        line = json.dumps({"phase": phase, "step": step, **{name: round(n, 7) for name, n in numbers.items()}})
        path = self.folder / LOG_FILE
        with explain_full_disk(path), path.open("a") as file:
            file.write(line + "\n")

    def forget_after(self, phase: str, step: int) -> None:
        """Drop lines of `phase` beyond `step`, and halves of lines: what was done after the checkpoint is done anew."""
        lines = list(read_log(self.folder))
        kept = [line for line in lines if line["phase"] != phase or line["step"] <= step]
        write_whole(self.folder / LOG_FILE, "".join(json.dumps(line) + "\n" for line in kept).encode())

    def say(self, state: TrainingState, *, step: int = 0, steps: int = 0, **more: float) -> None:
        """Replace the state. Raises `TrainingError` on a full disk."""
        self._write({"state": state, "step": step, "steps": steps, "error": "", **more})

    def turn(self, state: TrainingState, error: str = "") -> None:
        """Change the state and keep the numbers of the last one. Raises `TrainingError` on a full disk."""
        self._write({**(read_state(self.folder) or {"step": 0, "steps": 0}), "state": state, "error": error})

    def _write(self, body: dict[str, Any]) -> None:
        write_whole(self.folder / STATE_FILE, json.dumps(body | {"at": self._clock()}).encode())


def read_log(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of the log, oldest first; what a dying process left half written is passed over."""
    try:
        with (folder / LOG_FILE).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    body = json.loads(line)
                except ValueError:
                    continue
                if isinstance(body, dict) and isinstance(body.get("step"), int) and isinstance(body.get("phase"), str):
                    yield body
    except FileNotFoundError:
        return


def read_state(folder: Path) -> dict[str, Any] | None:
    """What `say` said last, or None where nothing was said."""
    try:
        body = json.loads((folder / STATE_FILE).read_bytes())
        return body if isinstance(body, dict) and isinstance(body.get("state"), str) else None
    except (OSError, ValueError):
        return None


@contextmanager
def hold_training(folder: Path) -> Iterator[None]:
    """Be the one process that trains in `folder`. Raises `TrainingError` where another one does.

    The system lets go of the lock when this process ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrainingError("another process is training this avatar already") from None
        yield


def is_training(folder: Path) -> bool:
    """Whether some process trains in `folder` now."""
    try:
        with (folder / LOCK_FILE).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
