"""Files that are whole or not there, and a clear word where the disk is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from avatar_engine.errors import TrainingError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` so that a reader sees the old file or the new one. Raises `TrainingError` on a full disk."""

    def write(draft: Path) -> None:
        draft.write_bytes(content)

    replace_whole(path, write)


def replace_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file beside `path`, bring it to the disk and give it its name.

    Raises `TrainingError` on a full disk.
    """
    draft = path.with_name(path.name + ".draft")
    with explain_full_disk(path):
        try:
            write(draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


@contextmanager
def explain_full_disk(path: Path) -> Iterator[None]:
    """Turn "no space left" into a `TrainingError` that says what to do. Other errors pass."""
    try:
        yield
    except Exception as error:  # each writer of tensors has a class of its own for it
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or _says_full(error):
            raise TrainingError(
                f"the disk is full: {path.name} could not be written. Nothing that was kept is lost; "
                f"make room and start the training again, it goes on from its last checkpoint"
            ) from error
        raise


def _says_full(error: BaseException | None) -> bool:
    while error is not None:
        if "No space left on device" in str(error) or "unexpected pos" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
