"""The unfinished part of an avatar folder: who works on it, what is done, and how it goes away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avatar_engine.errors import AvatarFolderError, PreparationError
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, read_json, write_json

VERSION = 1
"""Of the step files; those of another version are thrown away."""


class Work:
    """The folder `work/` inside an avatar folder. Each step leaves its result there or beside it, then says so."""

    def __init__(self, avatar: AvatarFolder) -> None:
        self.avatar = avatar
        self.path = avatar.path / "work"
        self._state: dict[str, Any] = {}

    @property
    def draft_video_path(self) -> Path:
        return self.path / "source.mp4"

    @property
    def scan_path(self) -> Path:
        return self.path / "scan"

    def begin(self, source_sha256: str, options: Mapping[str, Any]) -> None:
        """Go on with what lies here if it is of the same source and options, else begin anew."""
        wanted = {"version": VERSION, "source_sha256": source_sha256, "options": dict(options)}
        try:
            kept = read_json(self._state_path)
        except AvatarFolderError:
            kept = None
        if isinstance(kept, dict) and {name: kept.get(name) for name in wanted} == wanted:
            self._state = kept
            return
        shutil.rmtree(self.scan_path, ignore_errors=True)
        self._state = {**wanted, "steps": {}}
        write_json(self._state_path, self._state)

    def recall(self, step: str) -> dict[str, Any] | None:
        """What a step that is done has left, or None."""
        steps = self._state.get("steps")
        result = steps.get(step) if isinstance(steps, dict) else None
        return result if isinstance(result, dict) else None

    def keep(self, step: str, result: Mapping[str, Any]) -> None:
        """A step is done; a kill after this does not repeat it."""
        self._state["steps"][step] = dict(result)
        write_json(self._state_path, self._state)

    def finish(self) -> None:
        """The avatar is complete; what was only needed on the way goes."""
        shutil.rmtree(self.path, ignore_errors=True)

    def discard(self) -> None:
        """The source was refused: nothing stays, unless there was a complete avatar before."""
        if self.avatar.is_complete:
            self.finish()
        else:
            shutil.rmtree(self.avatar.path, ignore_errors=True)

    @property
    def _state_path(self) -> Path:
        return self.path / "state.json"


@contextlib.contextmanager
def hold_work(avatar: AvatarFolder) -> Iterator[Work]:
    """Be the one that prepares this avatar; the system lets go when this process ends, however it ends.

    Raises `PreparationError` where somebody else does, or the folder cannot be written.
    """
    work = Work(avatar)
    try:
        work.path.mkdir(parents=True, exist_ok=True)
        lock = (work.path / "lock").open("w")
    except OSError as error:
        raise PreparationError(f"{avatar.path} cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PreparationError(f"the avatar {avatar.name} is being prepared by another process") from None
        yield work


def is_held(avatar: AvatarFolder) -> bool:
    """Whether some process of this machine prepares this avatar now."""
    try:
        with (Work(avatar).path / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def write_array(path: Path, array: npt.NDArray[Any]) -> None:
    """A .npy file that is there whole or not at all."""
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    os.replace(draft, path)
