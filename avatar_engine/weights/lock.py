"""Who fetches a weight file: one process at a time, and everybody can see whether there is one."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)


def lock_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.lock"


@contextmanager
def hold_fetch_lock(folder: Path, name: str) -> Iterator[None]:
    """Be the one that fetches; the system lets go of the lock when this process ends, however it ends."""
    with lock_path(folder, name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("another process is fetching this file; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_being_fetched(folder: Path, name: str) -> bool:
    """Whether some process holds the lock now."""
    try:
        with lock_path(folder, name).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
