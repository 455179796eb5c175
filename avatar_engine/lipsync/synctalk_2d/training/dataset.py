"""What a network is trained on: pictures of one mouth, a reference for each, and the sound around each.

Samples are numbered in time. Pictures are inner pictures uint8[S, S, 3], BGR, as the networks see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from avatar_engine.errors import TrainingError
from avatar_engine.types import Float32, Int32, UInt8

HELD_OUT_SHARE = 0.1
HELD_OUT_GAP = 8
"""Samples left out between the last one trained on and the first held out: as far as a window of sound reaches."""
_FEWEST_SAMPLES = 40


@dataclass(frozen=True, slots=True)
class Split:
    """Numbers of the samples to train on and of those held out, int32, both in time order."""

    train: Int32
    held_out: Int32


class TrainingSet(Protocol):
    """Random access to samples; two calls give the same."""

    inner: int
    """Side S of the pictures, px."""
    split: Split

    def targets(self, samples: Int32) -> UInt8:
        """The true pictures uint8[B, S, S, 3]."""
        ...

    def references(self, samples: Int32, rng: np.random.Generator) -> UInt8:
        """A reference for each, uint8[B, S, S, 3]; drawn from `rng` where there is a choice."""
        ...

    def windows(self, samples: Int32) -> Float32:
        """The sound around each, float32[B, 16, 512]."""
        ...

    def false_windows(self, samples: Int32, rng: np.random.Generator) -> Float32:
        """Sound that does not belong to them, float32[B, 16, 512]: of the same voice, from another moment."""
        ...

    def mouths(self, samples: Int32) -> Int32:
        """Boxes x0, y0, x1, y1 around the mouths, int32[B, 4], px of the picture, ends exclusive."""
        ...


def split_by_time(count: int, samples: Int32 | None = None) -> Split:
    """The last tenth is held out, and a short gap before it belongs to neither: neighbours in time look alike.

    `samples` are the numbers that may be used, all of 0..count-1 where None. Raises `TrainingError` where there are
    too few.
    """
    usable = np.arange(count, dtype=np.int32) if samples is None else samples
    if len(usable) < _FEWEST_SAMPLES:
        raise TrainingError(f"{len(usable)} frames to learn from are too few; training wants minutes of video")
    held = max(1, round(len(usable) * HELD_OUT_SHARE))
    return Split(usable[: len(usable) - held - HELD_OUT_GAP], usable[len(usable) - held :])


def default_mouths(count: int, inner: int) -> Int32:
    """Where the mouth lies in a frontal crop when nobody measured it, int32[count, 4]."""
    box = np.round(np.array([0.25, 0.35, 0.75, 0.80]) * inner).astype(np.int32)
    return np.tile(box, (count, 1))


class SampleOrder:
    """Which samples a step takes: every epoch shuffles anew, by seed and epoch alone, so nothing has to be kept.

    A step is known by how many samples were taken before it; batches may change their size anywhere.
    """

    def __init__(self, samples: Int32, seed: int) -> None:
        self._samples = samples
        self._seed = seed
        self._epoch = -1
        self._shuffled = samples

    def take(self, start: int, count: int) -> Int32:
        """Samples `start` to `start + count` of the endless row of epochs, int32[count]."""
        taken = [self._part(start + done, count - done) for done in self._cuts(start, count)]
        return np.concatenate(taken)[:count]

    def draw(self, start: int) -> np.random.Generator:
        """The generator of what the step at `start` leaves to chance."""
        return np.random.default_rng([self._seed, 1, start])

    def _cuts(self, start: int, count: int) -> list[int]:
        size = len(self._samples)
        first = size - start % size
        return [0, *range(first, count, size)]

    def _part(self, position: int, count: int) -> Int32:
        epoch, offset = divmod(position, len(self._samples))
        if epoch != self._epoch:
            self._shuffled = np.random.default_rng([self._seed, 0, epoch]).permutation(self._samples)
            self._epoch = epoch
        return self._shuffled[offset : offset + count]
