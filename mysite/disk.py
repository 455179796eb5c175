"""Free room on the disk of the data folder: logs, kept sound and downloads give way before the database."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from avatar_engine.voice.sound_folder import clear_sounds
from avatar_engine.weights.fetch import DISK_MARGIN_BYTES

log = logging.getLogger(__name__)

WARN_BELOW_BYTES = 2_000_000_000
STOP_BELOW_BYTES = DISK_MARGIN_BYTES
"""No fetch of weights goes below it, and old logs and kept sound go under it. A day of chat takes a tenth of it."""


class DiskState(Enum):
    """What the free room allows."""

    FINE = "fine"
    WARNING = "warning"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Disk:
    """What is free to us now, which root's reserve is not."""

    free_bytes: int

    @property
    def state(self) -> DiskState:
        if self.free_bytes < STOP_BELOW_BYTES:
            return DiskState.STOP
        return DiskState.WARNING if self.free_bytes < WARN_BELOW_BYTES else DiskState.FINE


Statvfs = Callable[[Path], os.statvfs_result]


def read_disk(folder: Path, statvfs: Statvfs = os.statvfs) -> Disk:
    """The disk that holds `folder`, which exists."""
    status = statvfs(folder)
    return Disk(status.f_bavail * status.f_frsize)


def guard_disk(data_dir: Path, statvfs: Statvfs = os.statvfs) -> Disk:
    """Look at the disk of `data_dir`; warn, and below the second threshold give up old log files and kept sound.

    Returns the disk as it is afterwards.
    """
    disk = read_disk(data_dir, statvfs)
    if disk.state is DiskState.FINE:
        return disk
    if disk.state is DiskState.STOP:
        freed = delete_old_logs(data_dir / "logs") + clear_sounds(data_dir)
        log.error(
            "disk of %s: %d MB are free, weights are not fetched; %d MB of old logs and kept sound were deleted",
            data_dir,
            disk.free_bytes // 1_000_000,
            freed // 1_000_000,
        )
        return read_disk(data_dir, statvfs)
    log.warning("disk of %s: %d MB are free; see docs/operations.md", data_dir, disk.free_bytes // 1_000_000)
    return disk


def delete_old_logs(folder: Path) -> int:
    """Delete log files that were rotated away; those that are written stay. Returns the bytes that went."""
    freed = 0
    for file in folder.glob("*.jsonl.*"):
        try:
            size = file.stat().st_size
            file.unlink()
        except FileNotFoundError:  # its process rotated at the same moment
            continue
        freed += size
    return freed
