"""Which frames of a source video a presenter lives on, and in which order they are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatar_engine.face.topology import EYE_CORNERS
from avatar_engine.timing import FPS
from avatar_engine.types import Bool, Float32

MOST_FRAMES = 10 * FPS
"""A loop of 10 s, there and back 20 s: what is kept of it in memory is bounded, and nobody sees it repeat."""
FEWEST_CALM_FRAMES = 2 * FPS
CLOSED_OPENING = 0.035
"""Lips that are this far apart, as a share of the distance between the outer corners of the eyes, count as closed."""
AROUND_FRAMES = 3
_UPPER_LIP, _LOWER_LIP = 13, 14
"""The middle of the inner lips."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames `start` to `start + frames` of a source video. `calm`: the mouth is closed in all of them."""

    start: int
    frames: int
    calm: bool


def measure_openings(landmarks: Float32) -> Float32:
    """How far the lips are apart in each frame, float32[N], in distances between the eyes; from float32[N, 478, 2]."""
    gap = np.linalg.norm(landmarks[:, _LOWER_LIP] - landmarks[:, _UPPER_LIP], axis=-1)
    left, right = EYE_CORNERS
    eyes = np.linalg.norm(landmarks[:, left] - landmarks[:, right], axis=-1)
    return np.asarray(gap / np.maximum(eyes, 1.0), np.float32)


def find_stretch(openings: Float32, most_frames: int = MOST_FRAMES) -> Stretch:
    """The best part of a video with these lip openings, float32[N], for a loop of at most `most_frames`.

    The longest run of closed lips where there is one of two seconds: such frames are shown as they are in silence.
    Else the stretch in which the mouth is open least. Raises ValueError for a video without frames.
    """
    if not len(openings):
        raise ValueError("a source without frames")
    start, length = _find_longest_run(openings < CLOSED_OPENING)
    if length >= min(FEWEST_CALM_FRAMES, len(openings)):
        return Stretch(start + max(0, length - most_frames) // 2, min(length, most_frames), calm=True)
    frames = min(most_frames, len(openings))
    sums = np.concatenate([[0.0], np.cumsum(openings, dtype=np.float64)])
    return Stretch(int(np.argmin(sums[frames:] - sums[:-frames])), frames, calm=False)


def find_closed_frame(openings: Float32) -> int:
    """The frame in and around which the lips, float32[N], are open least."""
    around = np.ones(2 * AROUND_FRAMES + 1)
    known = np.convolve(np.ones(len(openings)), around, "full")
    means = np.convolve(openings.astype(np.float64), around, "full") / known
    return int(np.argmin(means[AROUND_FRAMES : AROUND_FRAMES + len(openings)]))


def _find_longest_run(flags: Bool) -> tuple[int, int]:
    """Start and length of the longest run of True; the first of several."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    if not len(edges):
        return 0, 0
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    longest = int(np.argmax(lengths))
    return int(starts[longest]), int(lengths[longest])


def count_round_trip(frames: int) -> int:
    """Poses of one way there and back over `frames` frames, ends shown once: 2 (N - 1), and 1 for a still."""
    return max(2 * (frames - 1), 1)


def find_frame(pose: int, frames: int) -> int:
    """The frame 0..N-1 that pose `pose` >= 0 shows: 0, 1, ..., N-1, N-2, ..., 1, 0, 1, ..."""
    step = pose % count_round_trip(frames)
    return min(step, 2 * (frames - 1) - step) if frames > 1 else 0
