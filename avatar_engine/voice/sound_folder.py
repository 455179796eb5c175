"""Sentences as files: shared by processes, still there after a restart, never more than a limit."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import AudioChunk, Mark

log = logging.getLogger(__name__)

FOLDER = "voice_cache"
ENDING = ".sound"
DISK_MARGIN_BYTES = 1 << 30
"""Free room under which nothing is added: what can be made again is the first to give way."""
STALE_DRAFT_S = 600.0
VERSION = 1
"""Raise it where a voice comes to sound different, so that what was kept before counts no more."""
_MAGIC = b"FLSND1"
_HEAD = struct.Struct("<6sII")
_CHUNK_BYTES = 2 * CHUNK_SAMPLES


@dataclass(frozen=True, slots=True)
class SoundKey:
    """What makes two sentences sound the same.

    voice:    the name with every option, as `VoiceSetting.key` writes them.
    rate:     how fast it speaks, 1.0 as the voice does by itself.
    language: BCP 47 primary tag.
    """

    voice: str
    rate: float
    language: str
    text: str


class SoundFolder:
    """One file a sentence, named by the hash of its key; its time of change is when it was last asked for.

    Safe under any number of processes: files appear whole, a damaged one is dropped, and who adds one holds a lock
    while it makes room. A disk that refuses costs the file, not the sentence. All methods block.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        """`limit_bytes` counts whole files. `free_bytes` of a folder says what is left of its disk."""
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._free_bytes = free_bytes

    def load(self, key: SoundKey) -> tuple[AudioChunk, ...] | None:
        """The sentence, which counts as asked for now; None where it is not here."""
        path = self._path(key)
        try:
            chunks = _parse(path.read_bytes(), _describe(key))
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError) as error:
            log.warning("kept sound %s cannot be used: %s", path.name, error)
            path.unlink(missing_ok=True)
            return None
        return chunks

    def save(self, key: SoundKey, chunks: Sequence[AudioChunk]) -> None:
        """Keep the sentence, and drop those not asked for the longest until all fit."""
        data = _build(chunks, _describe(key))
        if len(data) > self._limit_bytes:
            return
        path = self._path(key)
        draft = path.with_name(f".{path.stem}.{os.getpid()}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists() or self._free_bytes(self._folder) < DISK_MARGIN_BYTES + len(data):
                return
            with self._lock():
                self._make_room(len(data))
                try:
                    draft.write_bytes(data)
                    draft.replace(path)
                finally:
                    draft.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a sentence is not kept: %s", error)

    def _make_room(self, wanted_bytes: int) -> None:
        files = []
        for path in self._folder.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if path.suffix == ENDING:
                files.append((status.st_mtime, status.st_size, path))
            elif path.name.startswith(".") and path.name != ".lock" and time.time() - status.st_mtime > STALE_DRAFT_S:
                path.unlink(missing_ok=True)  # its process died while it wrote
        held_bytes = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if held_bytes + wanted_bytes <= self._limit_bytes:
                break
            path.unlink(missing_ok=True)
            held_bytes -= size

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with (self._folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _path(self, key: SoundKey) -> Path:
        return self._folder / (hashlib.sha256(_describe(key).encode()).hexdigest() + ENDING)


def clear_sounds(data_dir: Path) -> int:
    """Give up everything that is kept. Returns the bytes that went."""
    freed = 0
    for path in (data_dir / FOLDER).glob(f"*{ENDING}"):
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:  # another process dropped it
            continue
        freed += size
    return freed


def _describe(key: SoundKey) -> str:
    return json.dumps([VERSION, asdict(key)], sort_keys=True, ensure_ascii=False)


def _build(chunks: Sequence[AudioChunk], description: str) -> bytes:
    """Magic, CRC-32 of the rest, length of the header, header as JSON, int16 little-endian samples."""
    marks = [[n, mark.kind, mark.text, mark.start_ms, mark.end_ms] for n, c in enumerate(chunks) for mark in c.marks]
    head = json.dumps({"key": description, "marks": marks}, ensure_ascii=False).encode()
    body = head + b"".join(chunk.pcm.astype("<i2").tobytes() for chunk in chunks)
    return _HEAD.pack(_MAGIC, zlib.crc32(body), len(head)) + body


def _parse(data: bytes, description: str) -> tuple[AudioChunk, ...]:
    """Read `_build`'s bytes. Raises ValueError, LookupError or TypeError on anything else."""
    if len(data) < _HEAD.size:
        raise ValueError("too short")
    magic, checksum, length = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if magic != _MAGIC or zlib.crc32(body) != checksum:
        raise ValueError("wrong checksum")
    head, sound = json.loads(body[:length]), body[length:]
    if head["key"] != description or len(sound) % _CHUNK_BYTES:
        raise ValueError("another sentence")
    marks: list[list[Mark]] = [[] for _ in range(len(sound) // _CHUNK_BYTES)]
    for number, kind, text, start_ms, end_ms in head["marks"]:
        marks[number].append(Mark(kind, text, start_ms, end_ms))
    pcm = np.frombuffer(sound, "<i2").astype(np.int16).reshape(-1, CHUNK_SAMPLES)
    return tuple(AudioChunk(samples, tuple(known)) for samples, known in zip(pcm, marks, strict=True))
