"""Filters over time: no lag, no tremble, and a square that does not breathe."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.face.topology import CHIN, LEFT_JAW_TOP, NOSE_BRIDGE, POINTS, RIGHT_JAW_TOP
from avatar_engine.prepare.smooth import build_crops, fill_gaps, find_outside, find_takes, smooth_points

RANDOM = np.random.default_rng(5)


def build_points(x: np.ndarray, y: np.ndarray, width: np.ndarray | float = 180.0) -> np.ndarray:
    """Points of a face whose jaw is centred on x, float32[N, 478, 2]."""
    points = np.zeros((x.size, POINTS, 2), np.float32)
    points[:] = np.stack([x, y], axis=1)[:, None]
    points[:, LEFT_JAW_TOP, 0] -= np.asarray(width)[..., None] / 2
    points[:, RIGHT_JAW_TOP, 0] += np.asarray(width)[..., None] / 2
    points[:, CHIN, 1] += 150
    points[:, NOSE_BRIDGE, 1] += 10
    return points


def test_square_of_a_still_face_stands_still_under_tremble() -> None:
    still = np.full(300, 400.0)
    points = build_points(still, still / 2, 180.0) + RANDOM.normal(0, 0.6, (300, POINTS, 2)).astype(np.float32)
    crops = build_crops(points)
    assert np.unique(crops[:, 2] - crops[:, 0]).size == 1
    assert np.ptp(crops[:, 0]) <= 1
    assert np.ptp(crops[:, 1]) <= 1


def test_square_follows_a_moving_head_without_lag() -> None:
    time_s = np.arange(250) / 25
    x = 400 + 40 * np.sin(2 * np.pi * 0.4 * time_s)
    crops = build_crops(build_points(x, np.full(250, 200.0)))
    middle = (crops[:, 0] + crops[:, 2]) / 2
    lags = range(-5, 6)
    errors = [np.abs(middle[20:-20] - x[20 + lag : 230 + lag]).mean() for lag in lags]
    assert lags[int(np.argmin(errors))] == 0
    assert errors[5] < 2.0


def test_straight_movement_stays_exact_up_to_both_ends() -> None:
    x = 300 + 1.5 * np.arange(120)
    crops = build_crops(build_points(x, np.full(120, 200.0)))
    middle = (crops[:, 0] + crops[:, 2]) / 2
    assert np.abs(middle - x).max() <= 1.0


def test_square_grows_with_a_face_that_comes_closer() -> None:
    width = np.linspace(150, 210, 500)
    crops = build_crops(build_points(np.full(500, 400.0), np.full(500, 200.0), width))
    side = crops[:, 2] - crops[:, 0]
    assert (crops[:, 3] - crops[:, 1] == side).all()
    assert np.abs(side - width).max() <= 4
    assert (np.diff(side) >= 0).all()


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_very_short_clips_have_squares(frames: int) -> None:
    points = build_points(np.full(frames, 400.0), np.full(frames, 200.0))
    assert build_crops(smooth_points(points)).shape == (frames, 4)


def test_points_lose_their_tremble_and_keep_quick_lips() -> None:
    time_s = np.arange(200) / 25
    truth = np.zeros((200, POINTS, 2), np.float32)
    truth[:, 13, 1] = 10 * np.sin(2 * np.pi * 3 * time_s)
    noise = RANDOM.normal(0, 0.5, truth.shape).astype(np.float32)
    smooth = smooth_points(truth + noise)
    assert (smooth - truth)[:, 20:].std() < 0.75 * noise.std()
    lips = smooth[10:-10, 13, 1]
    assert np.corrcoef(lips, truth[10:-10, 13, 1])[0, 1] > 0.99
    assert 0.9 < lips.std() / truth[10:-10, 13, 1].std() < 1.1


def test_frames_without_a_face_lie_between_their_neighbours() -> None:
    points = build_points(np.arange(20.0), np.zeros(20))
    gap = points.copy()
    gap[5:9] = np.nan
    assert np.abs(fill_gaps(gap) - points).max() < 1e-3
    gap[:3] = np.nan
    gap[18:] = np.nan
    filled = fill_gaps(gap)
    assert (filled[:3] == points[3]).all()
    assert (filled[18:] == points[17]).all()


def test_nothing_to_fill_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="no frame"):
        fill_gaps(np.full((4, POINTS, 2), np.nan, np.float32))


def test_square_that_leaves_the_picture_is_told() -> None:
    crops = np.array(
        [[0, 0, 100, 100], [-1, 0, 99, 100], [50, 0, 151, 101], [0, 30, 100, 130], [0, -9, 9, 0]], np.int32
    )
    assert find_outside(crops, 150, 120).tolist() == [False, True, True, True, False]


def test_no_filter_looks_over_a_cut() -> None:
    x = np.concatenate([np.full(60, 300.0), np.full(60, 340.0)]) + RANDOM.normal(0, 0.2, 120)
    points = build_points(x, np.full(120, 200.0))
    assert [(take.start, take.stop) for take in find_takes(points)] == [(0, 60), (60, 120)]
    crops = build_crops(points)
    middle = (crops[:, 0] + crops[:, 2]) / 2
    assert np.abs(middle - x).max() < 2
    assert np.abs(smooth_points(points) - points).max() < 1


def test_lively_head_is_one_take() -> None:
    time_s = np.arange(500) / 25
    x = 400 + 30 * np.sin(2 * np.pi * 0.7 * time_s)
    assert find_takes(build_points(x, np.full(500, 200.0))) == [slice(0, 500)]
