"""Correlation of two mouths and the lag between them."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.evaluate.opening import match_tracks


def moving(frames: int, shift: float = 0.0, seed: int = 1) -> np.ndarray:
    """A track of syllable-like frequencies, 0.5 to 5 Hz, at 25 values a second, late by `shift` frames."""
    rng = np.random.default_rng(seed)
    time_s = (np.arange(frames) - shift) / 25
    waves = zip(rng.uniform(0.5, 5, 12), rng.uniform(0, 6.3, 12), rng.uniform(0.3, 1, 12), strict=True)
    return sum(size * np.sin(2 * np.pi * hertz * time_s + phase) for hertz, phase, size in waves)


@pytest.mark.parametrize("shift", [-6.5, -3, -0.4, 0, 0.25, 1, 2.7, 5])
def test_lag_is_found_below_a_frame(shift: float) -> None:
    found = match_tracks([moving(250, shift)], [moving(250)])
    assert found is not None
    assert found.lag_ms == pytest.approx(shift * 40, abs=4)
    assert found.correlation > 0.98


def test_late_lips_are_plus_and_early_lips_minus() -> None:
    late = match_tracks([moving(200, 2)], [moving(200)])
    early = match_tracks([moving(200, -2)], [moving(200)])
    assert late is not None
    assert early is not None
    assert late.lag_ms > 0 > early.lag_ms


def test_scale_and_rest_do_not_count_and_an_inverted_mouth_does_not_pass() -> None:
    track = moving(200)
    scaled, inverted = match_tracks([3 * track + 7], [track]), match_tracks([-track], [track])
    assert scaled is not None
    assert inverted is not None
    assert scaled.correlation == pytest.approx(1) == scaled.at_zero
    assert inverted.at_zero == pytest.approx(-1)
    assert inverted.correlation < 0.7


def test_correlation_at_zero_is_that_of_numpy() -> None:
    a, b = moving(200), moving(200, 1.5, seed=1) + 0.5 * moving(200, seed=2)
    found = match_tracks([a], [b])
    assert found is not None
    assert found.at_zero == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_lags_do_not_reach_from_one_take_into_the_next() -> None:
    takes = [moving(80, seed=seed) for seed in (1, 2, 3)]
    apart = match_tracks([np.roll(take, 3) for take in takes], takes)
    assert apart is not None
    assert apart.lag_ms == pytest.approx(120, abs=6)
    assert apart.frames == 240


def test_frames_without_a_face_count_in_no_pair() -> None:
    a, b = moving(200), moving(200)
    a[40:60] = np.nan
    found = match_tracks([a], [b])
    assert found is not None
    assert found.correlation == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("still", [np.zeros(100), np.full(100, np.nan), moving(10)])
def test_a_mouth_that_does_not_move_matches_nothing(still: np.ndarray) -> None:
    assert match_tracks([still], [moving(still.size)]) is None


def test_runs_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        match_tracks([moving(100)], [moving(101)])
    with pytest.raises(ValueError, match="2 runs against 1"):
        match_tracks([moving(100)] * 2, [moving(100)])
