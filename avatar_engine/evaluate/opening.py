"""Whether a mouth moves with what it should move with, and how late: correlation over lags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avatar_engine.timing import FRAME_MS

Float64 = npt.NDArray[np.float64]
MAX_LAG_FRAMES = 8
"""320 ms to either side: further away two sentences' rhythms agree by chance."""
LEAST_FRAMES = 2 * MAX_LAG_FRAMES


@dataclass(frozen=True, slots=True)
class LagMatch:
    """How two tracks of one value per frame agree.

    correlation: Pearson's r at the best lag. at_zero: the same without any shift.
    lag_ms:      the best lag; plus: the measured track comes after the reference.
    frames:      values compared at lag 0.
    """

    correlation: float
    at_zero: float
    lag_ms: float
    frames: int


def match_tracks(
    measured: Sequence[npt.ArrayLike], reference: Sequence[npt.ArrayLike], max_lag_frames: int = MAX_LAG_FRAMES
) -> LagMatch | None:
    """Compare runs of values, measured[k] with reference[k], at 25 values per second; None where nothing can be said.

    Every lag pools all runs, each cut to where both are known: no lag reaches over the end of a run. The best lag is
    the top of the parabola through the highest correlation and its two neighbours, so it is finer than a frame. A
    value that is not finite (no face in that frame) counts in no pair. Raises ValueError where runs differ in length.
    """
    if len(measured) != len(reference):
        raise ValueError(f"{len(measured)} runs against {len(reference)}")
    pairs = [_as_pair(m, r) for m, r in zip(measured, reference, strict=True)]
    frames = sum(a.size for a, _ in pairs)
    lags = range(-max_lag_frames, max_lag_frames + 1)
    found = [_correlate_at(pairs, lag) for lag in lags]
    values = np.array([np.nan if r is None else r for r in found])
    if np.isnan(values).all():
        return None
    best = int(np.nanargmax(values))
    peak, offset = _refine(values, best)
    at_zero = values[max_lag_frames]
    return LagMatch(peak, float(at_zero), (best - max_lag_frames + offset) * FRAME_MS, frames)


def _as_pair(measured: npt.ArrayLike, reference: npt.ArrayLike) -> tuple[Float64, Float64]:
    a, b = np.asarray(measured, np.float64), np.asarray(reference, np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"runs of {a.shape} and {b.shape} cannot be compared")
    return a, b


def _correlate_at(pairs: list[tuple[Float64, Float64]], lag: int) -> float | None:
    """Pearson's r of measured[i + lag] with reference[i] over all runs; None where either does not vary."""
    late = [a[max(lag, 0) : a.size + min(lag, 0)] for a, _ in pairs if a.size > abs(lag)]
    early = [b[max(-lag, 0) : b.size + min(-lag, 0)] for _, b in pairs if b.size > abs(lag)]
    if not late:
        return None
    a, b = np.concatenate(late), np.concatenate(early)
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if a.size < LEAST_FRAMES or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _refine(values: Float64, best: int) -> tuple[float, float]:
    """Height and place (in steps beside `best`, -0.5..0.5) of the parabola's top; the bare maximum at an end."""
    if best in (0, values.size - 1) or np.isnan(values[best - 1 : best + 2]).any():
        return float(values[best]), 0.0
    before, top, after = (float(value) for value in values[best - 1 : best + 2])
    bend = before - 2 * top + after
    if bend >= 0:
        return top, 0.0
    offset = 0.5 * (before - after) / bend
    return min(1.0, top - 0.25 * (before - after) * offset), offset
