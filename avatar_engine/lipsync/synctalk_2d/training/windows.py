"""Windows of sound out of stored rows, and those that do not fit the lips."""

from __future__ import annotations

import numpy as np

from avatar_engine.errors import TrainingError
from avatar_engine.types import Float32, Int32

WINDOW_ROWS = 16
ROWS_BEFORE = 8
"""The window of frame i holds stored rows i-8 to i+7 of its own take, and zeros where there are none."""
NEAREST_FALSE = 5
FARTHEST_FALSE = 25
"""False windows lie 0.2 s to 1 s beside the true one: near enough to be hard, too far to be right."""


class WindowTable:
    """Windows of takes that lie one behind the other.

    rows: float32[R, width], the stored rows of all takes. takes: int32[T, 3], for each its first sample, its samples
    and its first row; its rows end where the next take's begin. Raises `TrainingError` where these do not fit.
    """

    def __init__(self, rows: Float32, takes: Int32) -> None:
        _check_takes(len(rows), takes)
        self._rows = np.concatenate([rows, np.zeros((1, rows.shape[1]), np.float32)])
        self._silence = len(rows)
        self._row, self._first, self._end = self._place(len(rows), takes)

    @property
    def samples(self) -> int:
        return len(self._row)

    def take(self, samples: Int32, shift: Int32 | int = 0) -> Float32:
        """float32[B, 16, width] of `samples`, moved by `shift` frames inside their takes."""
        steps = np.arange(-ROWS_BEFORE, WINDOW_ROWS - ROWS_BEFORE, dtype=np.int64)
        wanted = (self._row[samples] + shift)[:, None] + steps
        inside = (wanted >= self._first[samples, None]) & (wanted < self._end[samples, None])
        return self._rows[np.where(inside, wanted, self._silence)]

    def take_false(self, samples: Int32, rng: np.random.Generator) -> Float32:
        """float32[B, 16, width], each moved by 5 to 25 frames to a side where its take goes on."""
        distance = rng.integers(NEAREST_FALSE, FARTHEST_FALSE + 1, len(samples))
        side = np.where(rng.random(len(samples)) < 0.5, -1, 1)
        shift = distance * side
        row = self._row[samples]
        outside = (row + shift < self._first[samples]) | (row + shift >= self._end[samples])
        return self.take(samples, np.where(outside, -shift, shift))

    @staticmethod
    def _place(rows: int, takes: Int32) -> tuple[Int32, Int32, Int32]:
        order = takes[np.argsort(takes[:, 0], kind="stable")]
        ends = {int(row): int(end) for row, end in _row_ends(rows, takes)}
        row, first, end = ([], [], [])  # type: tuple[list[Int32], list[Int32], list[Int32]]
        for _, count, start in order:
            row.append(np.arange(start, start + count, dtype=np.int32))
            first.append(np.full(count, start, np.int32))
            end.append(np.full(count, ends[int(start)], np.int32))
        return np.concatenate(row), np.concatenate(first), np.concatenate(end)


def _check_takes(rows: int, takes: Int32) -> None:
    if takes.ndim != 2 or takes.shape[1] != 3 or not len(takes) or (takes < 0).any():
        raise TrainingError("takes are rows of first sample, samples and first row")
    order = takes[np.argsort(takes[:, 0], kind="stable")]
    if order[0, 0] or (order[1:, 0] != order[:-1, :2].sum(axis=1)).any():
        raise TrainingError("the takes leave samples out or share some")
    if (takes[:, 2] >= rows).any():
        raise TrainingError(f"a take's sound begins beyond the {rows} rows that there are")


def _row_ends(rows: int, takes: Int32) -> list[tuple[int, int]]:
    starts = sorted(int(start) for start in takes[:, 2])
    return list(zip(starts, [*starts[1:], rows], strict=True))
