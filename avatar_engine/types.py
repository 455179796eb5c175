"""Values that cross module borders inside the avatar engine. No Django, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from avatar_engine.timing import CHUNK_SAMPLES

Int16 = npt.NDArray[np.int16]
UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

MarkKind = Literal["phoneme", "word"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of speech with its time. Times are milliseconds from the start of the utterance it belongs to.

    `text` is the word as written, or one IPA phoneme symbol.
    """

    kind: MarkKind
    text: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """20 ms of speech: int16[960] mono at 48 kHz, and the marks that became known with it.

    Mark times count from the first chunk of the same `speak` call and may reach beyond this chunk.
    """

    pcm: Int16
    marks: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        if self.pcm.dtype != np.int16 or self.pcm.shape != (CHUNK_SAMPLES,):
            raise ValueError(f"AudioChunk wants int16[{CHUNK_SAMPLES}], got {self.pcm.dtype}{self.pcm.shape}")


@dataclass(frozen=True, slots=True)
class SpeechWindow:
    """What an engine may know about the sound of N consecutive frames.

    features: float32[N, ...], row i for frame i, shape as the engine's declared extractor says.
    marks:    marks in and around the window (the performer gives 400 ms to either side), times in
              milliseconds from the start of frame 0 of the window (may be negative or beyond the end).
    speaking: bool[N], False where the presenter is silent; such frames want the untouched resting picture.
    """

    features: Float32
    marks: tuple[Mark, ...]
    speaking: Bool

    @property
    def frames(self) -> int:
        return int(self.speaking.shape[0])


@dataclass(frozen=True, slots=True)
class Patch:
    """What an engine draws for N frames.

    rgb:    uint8[N, h, w, 3], RGB.
    affine: float32[N, 2, 3], maps patch pixels to pixels of the source frame; the identity for full frames.
    mask:   float32[N, h, w] in 0..1, how much of each patch replaces its source frame, or None for all of it.
            A mask of zeros leaves the source frame untouched, as silence wants.
    """

    rgb: UInt8
    affine: Float32
    mask: Float32 | None
