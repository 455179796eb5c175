"""Frames of the process link (docs/wire-protocol.md, section 1)."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from avatar_engine.errors import WireError
from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import Int16, Mark

VERSION = 1
MAGIC = b"FL"
_HEAD = struct.Struct("<2sBBI")
MAX_HEADER_BYTES = 64 * 1024
MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
MAX_CHUNKS_PER_SPEECH = 50


class Kind(IntEnum):
    """Kinds of binary frames."""

    SPEECH = 1
    MEDIA = 2
    IDLE_CLIP = 3
    CLIP_SOUND = 4
    CLIP_PICTURE = 5


CLIP_KINDS = frozenset({Kind.CLIP_SOUND, Kind.CLIP_PICTURE})
"""Frames that belong to a clip; all others belong to a room."""


@dataclass(frozen=True, slots=True)
class BinaryFrame:
    """One binary frame of the link."""

    kind: Kind
    header: dict[str, Any]
    payload: bytes

    @property
    def room(self) -> str:
        return str(self.header["room"])

    @property
    def clip(self) -> str:
        """Which clip a frame of kind CLIP_SOUND or CLIP_PICTURE belongs to."""
        return str(self.header["clip"])


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound of one sentence on its way to render: `pcm` int16[k * 960], 1 <= k <= 50, or empty on a bare `last`."""

    room: str
    generation: int
    turn: int
    sentence: int
    seq: int
    last: bool
    pcm: Int16
    marks: tuple[Mark, ...] = field(default=())


def pack_binary(kind: Kind, header: dict[str, Any], payload: bytes) -> bytes:
    """One binary link frame."""
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return _HEAD.pack(MAGIC, kind, 0, len(head)) + head + payload


def unpack_binary(data: bytes) -> BinaryFrame:
    """The frame in `data`. Raises `WireError` on anything that is not one."""
    if len(data) < _HEAD.size or len(data) > MAX_HEADER_BYTES + MAX_PAYLOAD_BYTES:
        raise WireError(f"a link frame of {len(data)} bytes")
    magic, kind, _, length = _HEAD.unpack_from(data)
    if magic != MAGIC or length > MAX_HEADER_BYTES or _HEAD.size + length > len(data):
        raise WireError("not a link frame")
    try:
        header = json.loads(data[_HEAD.size : _HEAD.size + length])
        frame = BinaryFrame(Kind(kind), header, data[_HEAD.size + length :])
    except (ValueError, RecursionError) as error:
        raise WireError(f"bad link frame: {error}") from error
    owner = "clip" if frame.kind in CLIP_KINDS else "room"
    if not isinstance(header, dict) or not isinstance(header.get(owner), str):
        raise WireError(f"a link frame names no {owner}")
    return frame


def pack_text(message: dict[str, Any]) -> str:
    """One text link frame."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def unpack_text(data: str) -> dict[str, Any]:
    """The message in `data`: an object with a string `type`. Raises `WireError`."""
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError(f"bad link message: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise WireError("a link message has no type")
    return message


def pack_speech(speech: Speech) -> bytes:
    """`speech` as a binary link frame."""
    header = {
        "room": speech.room,
        "generation": speech.generation,
        "turn": speech.turn,
        "sentence": speech.sentence,
        "seq": speech.seq,
        "last": speech.last,
        "marks": [[mark.kind, mark.text, mark.start_ms, mark.end_ms] for mark in speech.marks],
    }
    return pack_binary(Kind.SPEECH, header, speech.pcm.astype("<i2", copy=False).tobytes())


def unpack_speech(frame: BinaryFrame) -> Speech:
    """The speech in a frame of kind SPEECH. Raises `WireError`."""
    header = frame.header
    chunk_bytes = CHUNK_SAMPLES * 2
    if len(frame.payload) % chunk_bytes or len(frame.payload) > MAX_CHUNKS_PER_SPEECH * chunk_bytes:
        raise WireError(f"speech of {len(frame.payload)} bytes is not 0 to {MAX_CHUNKS_PER_SPEECH} chunks of 20 ms")
    try:
        return Speech(
            room=frame.room,
            generation=int(header["generation"]),
            turn=int(header["turn"]),
            sentence=int(header["sentence"]),
            seq=int(header["seq"]),
            last=bool(header["last"]),
            pcm=np.frombuffer(frame.payload, dtype="<i2"),
            marks=tuple(unpack_mark(mark) for mark in header.get("marks", [])),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"bad speech header: {error}") from error


def unpack_mark(value: Any) -> Mark:
    """A `[kind, text, start_ms, end_ms]` list as a mark. Raises TypeError, ValueError or OverflowError."""
    kind, text, start_ms, end_ms = value
    if kind not in ("phoneme", "word"):
        raise ValueError(f"unknown mark kind {kind!r}")
    mark = Mark(kind, str(text), float(start_ms), float(end_ms))
    if not (math.isfinite(mark.start_ms) and math.isfinite(mark.end_ms)):
        raise ValueError(f"a mark from {start_ms} to {end_ms} ms")
    return mark
