"""Samples whose reference is known: the same pose with the mouth at rest, as it will be on air.

The folder holds

| file | what |
|---|---|
| `targets.npy` | uint8[N, S, S, 3], BGR: the true inner pictures |
| `references.npy` | uint8[R, S, S, 3], BGR: mouths at rest |
| `reference_of.npy` | int32[N]: which reference belongs to each sample |
| `rows.npy` | float32[rows, 512]: stored rows of the sound of all takes, one behind the other |
| `takes.npy` | int32[T, 3]: first sample, samples and first row of each take |
| `mouths.npy` | optional int32[N, 4]: x0, y0, x1, y1 around each mouth, px of the picture |
| `held_out.npy` | optional int32[K]: samples that are never trained on; without it the last tenth |

Arrays are mapped into memory, not read, so a large set costs no memory of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.training.dataset import Split, default_mouths, split_by_time
from avatar_engine.lipsync.synctalk_2d.training.windows import WindowTable
from avatar_engine.types import Float32, Int32, UInt8


class StudioSet:
    """Pairs out of a folder. Raises `TrainingError` where files are missing or do not fit each other."""

    def __init__(self, folder: Path) -> None:
        self._targets = _load(folder / "targets.npy", np.uint8, 4)
        self._references = _load(folder / "references.npy", np.uint8, 4)
        self._reference_of = np.array(_load(folder / "reference_of.npy", np.int32, 1))
        count, self.inner = self._targets.shape[:2]
        rows = np.array(_load(folder / "rows.npy", np.float32, 2))
        self._windows = WindowTable(rows, np.array(_load(folder / "takes.npy", np.int32, 2)))
        self._mouths = _load_or(folder / "mouths.npy", default_mouths(count, self.inner))
        self._check(folder, count)
        self.split = self._split(folder, count)

    def targets(self, samples: Int32) -> UInt8:
        return np.asarray(self._targets[samples], np.uint8)

    def references(self, samples: Int32, rng: np.random.Generator) -> UInt8:
        return np.asarray(self._references[self._reference_of[samples]], np.uint8)

    def windows(self, samples: Int32) -> Float32:
        return self._windows.take(samples)

    def false_windows(self, samples: Int32, rng: np.random.Generator) -> Float32:
        return self._windows.take_false(samples, rng)

    def mouths(self, samples: Int32) -> Int32:
        return self._mouths[samples]

    def _split(self, folder: Path, count: int) -> Split:
        held_out = _load_or(folder / "held_out.npy", np.zeros(0, np.int32))
        if not len(held_out):
            return split_by_time(count)
        train = np.setdiff1d(np.arange(count, dtype=np.int32), held_out)
        if not len(train):
            raise TrainingError(f"{folder} holds out every sample; nothing is left to learn from")
        return Split(train, np.unique(held_out))

    def _check(self, folder: Path, count: int) -> None:
        picture = (self.inner, self.inner, 3)
        right = (
            self._targets.shape[1:] == picture
            and self._references.shape[1:] == picture
            and self._reference_of.shape == (count,)
            and self._mouths.shape == (count, 4)
            and self._windows.samples == count
        )
        if not right or self._reference_of.min() < 0 or self._reference_of.max() >= len(self._references):
            raise TrainingError(f"the arrays in {folder} do not fit each other: make them anew")


def _load(path: Path, dtype: type[np.generic], dimensions: int) -> Any:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path.name} of the studio cannot be read: {error}") from error
    if array.dtype != dtype or array.ndim != dimensions:
        raise TrainingError(f"{path.name} is {array.dtype} of {array.ndim} dimensions, not what the studio writes")
    return array


def _load_or(path: Path, default: Int32) -> Int32:
    return np.array(_load(path, np.int32, default.ndim)) if path.exists() else default
