"""The contract of every lip-sync family."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from avatar_engine.types import Float32, Int16, Int32, Patch, SpeechWindow, UInt8


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the performer must know to drive a family.

    fps:              frames per second of the family's output; 25 on air.
    chunk_frames:     frames that one `render` call wants (16 for chunked diffusion, 1 for a frame at a time); only
                      the last call of a run of speech may have fewer.
    lookahead_frames: frames of sound after frame i that its features need.
    realtime:         False: the performer buffers a whole sentence before it goes on air.
    features:         name of the feature extractor in `avatar_engine/features/registry.py`.
    """

    fps: int
    chunk_frames: int
    lookahead_frames: int
    realtime: bool
    features: str


class FeatureStream(Protocol):
    """Features of one run of speech, fed as it comes. Same sound in any chunking gives the same rows."""

    def push(self, pcm: Int16, *, last: bool = False) -> None:
        """Take int16[n] mono 48 kHz. `last` says that no more will come: missing context counts as silence."""
        ...

    @property
    def ready(self) -> int:
        """Rows that `take` can give now."""
        ...

    def take(self, frames: int) -> Float32:
        """The next `frames` rows, float32[frames, ...].

        Row i holds all that the network hears for frame i, its neighbours in time included.
        """
        ...


class FeatureExtractor(Protocol):
    """Makes feature streams; holds a network where one is needed."""

    def open(self) -> FeatureStream: ...


class Session(Protocol):
    """One presenter in one room. Deterministic given its seed and the calls made so far."""

    width: int
    height: int
    loop_frames: int
    """Length of the source loop; pose p and p + loop_frames are the same picture when nobody speaks."""

    def source(self, pose: int) -> UInt8 | None:
        """The source frame under the patch, uint8[height, width, 3] RGB; None for full-frame families."""
        ...

    def render(self, speech: SpeechWindow, poses: Int32) -> Patch:
        """Draw `len(poses)` frames. No clock, queue or I/O.

        Poses go on by one per frame over all calls. Cutting a run at multiples of `chunk_frames` changes no pixel.
        """
        ...


class LipSyncEngine(Protocol):
    """One family with its weights for one avatar, loaded."""

    capabilities: Capabilities

    @classmethod
    def prepare(cls, source: Path, folder: Path) -> None:
        """Offline, once: turn a source video or picture into an avatar folder. Raises `PreparationError`.

        May take hours where a family trains per person. Called again, it goes on from what the folder already holds.
        """
        ...

    @classmethod
    def load(cls, folder: Path | None, device: str) -> LipSyncEngine:
        """Once per process and avatar. `folder` None means the avatar that ships with the family."""
        ...

    def open(self, seed: int, width: int, height: int) -> Session: ...
