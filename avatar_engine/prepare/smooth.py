"""Filters over time that look to both sides, so that nothing lags: for points and for the square that is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from avatar_engine.face.points import find_crop_points
from avatar_engine.types import Bool, Float32, Int32

POINT_WINDOW, POINT_ORDER = 5, 2
"""Savitzky-Golay over 0.2 s: a parabola keeps the lips' quick movements and takes the network's tremble away."""
PLACE_SIGMA_FRAMES = 2.0
SIDE_SIGMA_FRAMES = 25.0
"""The square follows the head at once, but its size only slowly: a size that breathes makes the patch shimmer."""
SIDE_STEP_PX = 2
"""The side changes only when it is this far from what it should be."""
JUMP_OF_FACE, JUMP_OF_STEP = 0.05, 6.0
"""Of the face's width, and of the middle step from frame to frame."""


def fill_gaps(points: Float32) -> Float32:
    """Points float32[N, 478, 2] whose NaN frames lie on the straight line between their neighbours in time.

    Raises ValueError where no frame has a face.
    """
    known = np.flatnonzero(~np.isnan(points[:, 0, 0]))
    if known.size == 0:
        raise ValueError("no frame has a face")
    if known.size == points.shape[0]:
        return points
    frames = np.arange(points.shape[0])
    after = np.minimum(np.searchsorted(known, frames), known.size - 1)
    before = np.maximum(np.searchsorted(known, frames, side="right") - 1, 0)
    start, end = known[before], known[after]
    share = np.where(end > start, (frames - start) / np.maximum(end - start, 1), 0.0).clip(0, 1)
    weight = share[:, None, None].astype(np.float32)
    return np.asarray(points[start] * (1 - weight) + points[end] * weight, np.float32)


def find_takes(points: Float32) -> list[slice]:
    """Runs of frames without a jump of the head, for points float32[N, 478, 2]; no filter looks over their ends.

    A jump is a step of the nose and the jaw that no head makes in a frame and that stands out of its neighbourhood.
    """
    crop = find_crop_points(points).astype(np.float64)
    steps = np.linalg.norm(np.diff(crop, axis=0), axis=-1).mean(axis=-1)
    width = np.median(crop[:, 2, 0] - crop[:, 0, 0])
    usual = np.median(steps) if steps.size else 0.0
    starts = np.flatnonzero(steps > max(JUMP_OF_FACE * width, JUMP_OF_STEP * usual)) + 1
    ends = [0, *starts.tolist(), points.shape[0]]
    return [slice(start, end) for start, end in pairwise(ends)]


def smooth_points(points: Float32) -> Float32:
    """float32[N, 478, 2] without the tremble; linear movement stays as it is."""
    from scipy.signal import savgol_filter

    smooth = points.copy()
    for take in find_takes(points):
        if take.stop - take.start >= POINT_WINDOW:
            smooth[take] = savgol_filter(points[take], POINT_WINDOW, POINT_ORDER, axis=0, mode="interp")
    return smooth


def build_crops(points: Float32) -> Int32:
    """The square of each frame, int32[N, 4] x0, y0, x1, y1 with ends exclusive, for points float32[N, 478, 2].

    Left edge at point 1, top at point 52, right edge at point 31 of the 110-point set, all smoothed. The middle of the
    upper edge follows the head with a short symmetric filter, the side with a long one and in steps.
    """
    return np.concatenate([_build_crops_of_take(points[take]) for take in find_takes(points)])


def _build_crops_of_take(points: Float32) -> Int32:
    left, nose, right = np.moveaxis(find_crop_points(points).astype(np.float64), -2, 0)
    middle = _blur((left[:, 0] + right[:, 0]) / 2, PLACE_SIGMA_FRAMES)
    top = _blur(nose[:, 1], PLACE_SIGMA_FRAMES)
    side = _step(_blur(right[:, 0] - left[:, 0], SIDE_SIGMA_FRAMES))
    x0 = np.round(middle - side / 2).astype(np.int32)
    y0 = np.round(top).astype(np.int32)
    return np.stack([x0, y0, x0 + side, y0 + side], axis=1)


def find_outside(crops: Int32, width: int, height: int) -> Bool:
    """bool[N]: whether a square leaves a picture of width x height px to the left, right or below."""
    return np.asarray((crops[:, 0] < 0) | (crops[:, 2] > width) | (crops[:, 3] > height), np.bool_)


def _blur(track: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    """Gaussian over float64[N]; both ends go on as their mirror image turned about the end, so slopes stay."""
    from scipy.ndimage import gaussian_filter1d

    reach = min(track.size - 1, int(4 * sigma))
    if reach < 1:
        return track
    head = 2 * track[0] - track[reach:0:-1]
    tail = 2 * track[-1] - track[-2 : -2 - reach : -1]
    blurred = gaussian_filter1d(np.concatenate([head, track, tail]), sigma)
    return np.asarray(blurred[reach : reach + track.size])


def _step(track: npt.NDArray[np.float64]) -> Int32:
    """int32[N] even numbers that follow float64[N] and change only where they are `SIDE_STEP_PX` or more off."""
    steps = np.empty(track.size, np.int32)
    held = _to_even(track[0]) if track.size else 0
    for number, value in enumerate(track):
        if abs(value - held) >= SIDE_STEP_PX:
            held = _to_even(value)
        steps[number] = held
    return steps


def _to_even(value: float) -> int:
    return max(2, 2 * round(value / 2))
