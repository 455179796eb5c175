"""The stretch of a source video that a presenter lives on, and the order of its frames."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from avatar_engine.lipsync.synctalk_2d.source_loop import (
    CLOSED_OPENING,
    count_round_trip,
    find_closed_frame,
    find_frame,
    find_stretch,
    measure_openings,
)
from avatar_engine.types import Float32

OPEN = 3 * CLOSED_OPENING


def build_openings(*parts: tuple[float, int]) -> Float32:
    return np.concatenate([np.full(frames, opening, np.float32) for opening, frames in parts])


@pytest.mark.parametrize("frames", [1, 2, 3, 250])
def test_the_loop_goes_there_and_back_one_frame_at_a_time(frames: int) -> None:
    period = count_round_trip(frames)
    shown = [find_frame(pose, frames) for pose in range(3 * period + 1)]
    assert set(shown) == set(range(frames))
    assert all(abs(a - b) == (frames > 1) for a, b in pairwise(shown))
    assert shown[period:] == shown[: 2 * period + 1]
    assert shown[:frames] == list(range(frames))


def test_the_longest_silence_of_the_mouth_is_the_loop() -> None:
    openings = build_openings((0.0, 60), (OPEN, 500), (0.0, 120), (OPEN, 40))
    stretch = find_stretch(openings)
    assert (stretch.start, stretch.frames, stretch.calm) == (560, 120, True)


def test_a_long_silence_gives_its_middle() -> None:
    stretch = find_stretch(build_openings((OPEN, 10), (0.0, 400)), 250)
    assert (stretch.start, stretch.frames, stretch.calm) == (85, 250, True)


def test_a_face_that_never_stops_talking_gives_the_part_with_the_least_of_it() -> None:
    talking = build_openings((2 * OPEN, 300), (OPEN, 250), (3 * OPEN, 300))
    talking[::20] = 0.0
    stretch = find_stretch(talking, 250)
    assert not stretch.calm
    assert stretch.frames == 250
    assert 295 <= stretch.start <= 305


def test_a_short_source_is_taken_whole() -> None:
    assert find_stretch(build_openings((OPEN, 7))).frames == 7
    assert find_stretch(build_openings((0.0, 7))).calm
    with pytest.raises(ValueError, match="without frames"):
        find_stretch(np.zeros(0, np.float32))


def test_the_rest_of_a_talking_face_is_where_the_lips_stay_closed() -> None:
    openings = build_openings((OPEN, 50), (0.0, 9), (OPEN, 50))
    openings[20] = 0.0
    assert 50 <= find_closed_frame(openings) < 59
    assert find_closed_frame(np.zeros(1, np.float32)) == 0


def test_openings_count_in_distances_between_the_eyes() -> None:
    landmarks = np.zeros((2, 478, 2), np.float32)
    landmarks[:, 263, 0] = 80
    landmarks[1, 14, 1] = 8
    assert measure_openings(landmarks) == pytest.approx([0, 0.1])
    assert np.isfinite(measure_openings(np.zeros((1, 478, 2), np.float32))).all()
