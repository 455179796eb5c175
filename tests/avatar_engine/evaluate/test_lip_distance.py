"""The distance of lips, whatever the head does."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.evaluate.lip_distance import measure_lip_distance

LIPS = np.array([(0, 0), (10, -3), (20, 0), (10, 6)], float)


def test_moving_the_head_is_no_distance() -> None:
    assert measure_lip_distance(LIPS + np.array([31, -7]), LIPS) == pytest.approx(0)


def test_distance_of_a_widened_mouth_is_its_closed_form() -> None:
    centred = LIPS - LIPS.mean(axis=0)
    wide = centred * 1.2
    expected = 0.2 * np.hypot(*centred.T).mean()
    assert measure_lip_distance(wide + 100, LIPS) == pytest.approx(expected)


def test_one_point_that_is_off_counts_for_all() -> None:
    off = LIPS.copy()
    off[3, 1] += 8
    assert measure_lip_distance(off, LIPS) == pytest.approx((3 * 2 + 6) / 4)


def test_unknown_points_give_an_unknown_distance_and_other_shapes_none() -> None:
    assert np.isnan(measure_lip_distance(np.full((4, 2), np.nan), LIPS))
    with pytest.raises(ValueError, match="cannot be compared"):
        measure_lip_distance(LIPS[:3], LIPS)
