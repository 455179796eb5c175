"""The encoded clip that a room shows while its render is away."""

from __future__ import annotations

import logging
import os
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from avatar_engine.errors import WireError
from avatar_engine.stream.envelope import MediaEnvelope

log = logging.getLogger(__name__)

MAX_FRAMES = 500
MAX_BYTES = 16 << 20
_MAGIC = b"FLIC1"
_HEAD = struct.Struct("<5sI")
_LENGTH = struct.Struct("<I")

IdleClip = tuple[MediaEnvelope, ...]


class IdleClipBuilder:
    """Puts a clip together from its frames, which come in order."""

    def __init__(self) -> None:
        self._frames: list[MediaEnvelope] = []
        self._count = 0
        self._bytes = 0

    def add(self, index: int, count: int, envelope: MediaEnvelope) -> IdleClip | None:
        """Take frame `index` of `count`; returns the clip with its last frame.

        Frame 0 starts a new clip. Raises `WireError` for a frame out of order, a first frame that is not a key
        frame, or a clip that is too large; the clip is then given up. The rest of a clip that was given up, or whose
        beginning another process saw, is passed over.
        """
        if index == 0:
            self._frames, self._count, self._bytes = [], count, 0
        elif not self._frames:
            return None
        wanted = len(self._frames)
        self._bytes += len(envelope.video) + sum(map(len, envelope.audio))
        if (
            index != wanted
            or count != self._count
            or not index < count <= MAX_FRAMES
            or self._bytes > MAX_BYTES
            or (index == 0 and not envelope.key)
        ):
            self._frames, self._count = [], 0
            raise WireError(f"idle clip frame {index} of {count} does not continue frame {wanted - 1}, or is too much")
        self._frames.append(replace(envelope, idle=True, speaking=False))
        if len(self._frames) < count:
            return None
        clip = tuple(self._frames)
        self._frames, self._count = [], 0
        return clip


class IdleClipStore:
    """Keeps one clip a room in a folder, so that a web process can show it as soon as it runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, slug: str) -> IdleClip | None:
        """The stored clip; None where there is none or it is damaged."""
        path = self._path(slug)
        try:
            return parse_clip(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, WireError) as error:
            log.warning("idle clip %s cannot be used: %s", path, error)
            return None

    def save(self, slug: str, clip: IdleClip) -> None:
        """Replace the stored clip in one step. A disk that refuses costs the clip, not the stream: it is logged."""
        path = self._path(slug)
        draft = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(build_clip_file(clip))
            draft.replace(path)
        except OSError as error:
            log.warning("idle clip %s is not stored: %s", path, error)
            draft.unlink(missing_ok=True)

    def delete(self, slug: str) -> None:
        """Forget the stored clip, if there is one. A disk that refuses is logged."""
        path = self._path(slug)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("idle clip %s is not deleted: %s", path, error)

    def _path(self, slug: str) -> Path:
        return self._folder / f"{quote(slug, safe='')}.clip"


def build_clip_file(clip: IdleClip) -> bytes:
    """Magic, CRC-32 of the rest, then each packed envelope after its length."""
    packed = [envelope.pack() for envelope in clip]
    body = b"".join(part for data in packed for part in (_LENGTH.pack(len(data)), data))
    return _HEAD.pack(_MAGIC, zlib.crc32(body)) + body


def parse_clip(data: bytes) -> IdleClip:
    """Read `build_clip_file`'s bytes. Raises `WireError` on anything else."""
    if len(data) < _HEAD.size or len(data) > 2 * MAX_BYTES:
        raise WireError(f"idle clip of {len(data)} bytes")
    magic, checksum = _HEAD.unpack_from(data)
    body = memoryview(data)[_HEAD.size :]
    if magic != _MAGIC or zlib.crc32(body) != checksum:
        raise WireError("idle clip with a wrong checksum")
    frames: list[MediaEnvelope] = []
    while body:
        if len(body) < _LENGTH.size:
            raise WireError("idle clip ends inside a length")
        (length,) = _LENGTH.unpack_from(body)
        frames.append(MediaEnvelope.unpack(body[_LENGTH.size : _LENGTH.size + length]))
        body = body[_LENGTH.size + length :]
    if not frames or not frames[0].key:
        raise WireError("idle clip that does not start with a key frame")
    return tuple(frames)
