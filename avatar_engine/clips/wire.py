"""Clip frames of the process link (docs/wire-protocol.md, section 1): sound towards render, pictures back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from avatar_engine.errors import WireError
from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Int16
from avatar_engine.wire import BinaryFrame, Kind, pack_binary

PIECE_SAMPLES = SAMPLE_RATE_HZ
"""A second of sound in one frame."""
MOST_CLIP_S = 120
MOST_SIDE_PX, FEWEST_SIDE_PX = 1920, 128


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What web asks render for: which presenter, how large, and how many samples of sound will come.

    Without sound the clip is one picture, the presenter at rest.
    """

    engine: str
    avatar: str
    width: int
    height: int
    samples: int

    @classmethod
    def parse(cls, value: dict[str, Any]) -> ClipSpec:
        """The `spec` of a `clip.open` message. Raises KeyError, TypeError or ValueError."""
        spec = cls(
            engine=str(value["engine"]),
            avatar=str(value.get("avatar", "")),
            width=int(value["width"]),
            height=int(value["height"]),
            samples=int(value["samples"]),
        )
        if not 0 <= spec.samples <= MOST_CLIP_S * SAMPLE_RATE_HZ:
            raise ValueError(f"a clip of {spec.samples} samples; the most is {MOST_CLIP_S} s")
        if not all(FEWEST_SIDE_PX <= side <= MOST_SIDE_PX for side in (spec.width, spec.height)):
            raise ValueError(f"a clip of {spec.width}x{spec.height} px; sides are {FEWEST_SIDE_PX} to {MOST_SIDE_PX}")
        return spec


@dataclass(frozen=True, slots=True)
class ClipSound:
    """A piece of the sound of a clip: int16[n] mono 48 kHz, n at most a second."""

    clip: str
    seq: int
    last: bool
    pcm: Int16


@dataclass(frozen=True, slots=True)
class ClipPicture:
    """Picture `index` of `count`, a JPEG; picture i goes with samples i * 1920 on."""

    clip: str
    index: int
    count: int
    jpeg: bytes

    @property
    def is_last(self) -> bool:
        return self.index == self.count - 1


def pack_sound(clip: str, pcm: Int16) -> Iterator[bytes]:
    """The link frames of a whole sound, int16[n] mono 48 kHz; one, marked as last, where n is 0."""
    starts = range(0, max(len(pcm), 1), PIECE_SAMPLES)
    for seq, start in enumerate(starts):
        header = {"clip": clip, "seq": seq, "last": seq == len(starts) - 1}
        piece = pcm[start : start + PIECE_SAMPLES]
        yield pack_binary(Kind.CLIP_SOUND, header, piece.astype("<i2", copy=False).tobytes())


def unpack_sound(frame: BinaryFrame) -> ClipSound:
    """The sound in a frame of kind CLIP_SOUND. Raises `WireError`."""
    if len(frame.payload) % 2 or len(frame.payload) > 2 * PIECE_SAMPLES:
        raise WireError(f"clip sound of {len(frame.payload)} bytes")
    try:
        seq, last = int(frame.header["seq"]), bool(frame.header["last"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"bad header of clip sound: {error}") from error
    return ClipSound(frame.clip, seq, last, np.frombuffer(frame.payload, "<i2").astype(np.int16))


def pack_picture(picture: ClipPicture) -> bytes:
    """`picture` as a link frame."""
    header = {"clip": picture.clip, "index": picture.index, "count": picture.count}
    return pack_binary(Kind.CLIP_PICTURE, header, picture.jpeg)


def unpack_picture(frame: BinaryFrame) -> ClipPicture:
    """The picture in a frame of kind CLIP_PICTURE. Raises `WireError`."""
    try:
        index, count = int(frame.header["index"]), int(frame.header["count"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"bad header of a clip picture: {error}") from error
    if not 0 <= index < count:
        raise WireError(f"clip picture {index} of {count}")
    return ClipPicture(frame.clip, index, count, frame.payload)


class SoundBasket:
    """Collects the pieces of one sound."""

    def __init__(self, most_samples: int = MOST_CLIP_S * SAMPLE_RATE_HZ) -> None:
        self._most = most_samples
        self._pieces: list[Int16] = []
        self.samples = 0
        self.whole = False

    def put(self, piece: ClipSound) -> None:
        """The next piece. Raises `WireError` where it is not the next one, or too much."""
        if self.whole or piece.seq != len(self._pieces):
            raise WireError(f"piece {piece.seq} of a sound after {len(self._pieces)}")
        if self.samples + len(piece.pcm) > self._most:
            raise WireError(f"a sound of over {self._most} samples")
        self._pieces.append(piece.pcm)
        self.samples += len(piece.pcm)
        self.whole = piece.last

    def take(self) -> Int16:
        """All of it, int16[n]."""
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.int16)
