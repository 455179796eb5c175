"""Frames of any source on the clock of 25 a second."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_engine.prepare.retime import Retimer


def place(times_s: list[Fraction]) -> tuple[list[int], Retimer]:
    """Which source frame each output shows."""
    retimer, shown, last = Retimer(), [], 0
    for number, time_s in enumerate(times_s):
        count = retimer.push(time_s)
        if count is not None:
            shown += [last] * count
            last = number
    return shown + [last] * retimer.finish(), retimer


def steady(fps: Fraction | int, count: int) -> list[Fraction]:
    return [Fraction(number) / fps for number in range(count)]


def test_25_a_second_stay_as_they_are() -> None:
    shown, retimer = place(steady(25, 100))
    assert shown == list(range(100))
    assert not retimer.varies


@pytest.mark.parametrize(
    "fps", [Fraction(24), Fraction(30), Fraction(30000, 1001), Fraction(50), Fraction(60), Fraction(12)]
)
def test_other_rates_keep_their_length_and_never_lag(fps: Fraction) -> None:
    shown, retimer = place(steady(fps, 300))
    assert abs(len(shown) - 300 * 25 / fps) <= 1
    assert not retimer.varies
    for number, source in enumerate(shown):
        assert abs(source / fps - Fraction(number, 25)) <= 1 / fps / 2 + Fraction(1, 10**6)


def test_first_frame_is_the_beginning_whatever_its_time() -> None:
    shown, _ = place([time_s + 100 for time_s in steady(25, 10)])
    assert shown == list(range(10))


def test_frames_that_go_back_in_time_are_left_out() -> None:
    shown, _ = place([Fraction(0), Fraction(1, 25), Fraction(1, 50), Fraction(2, 25)])
    assert shown == [0, 1, 3]


def test_pause_is_filled_with_the_frames_around_it() -> None:
    shown, retimer = place([*steady(25, 50), *(time_s + 3 for time_s in steady(25, 50))])
    assert len(shown) == 125
    assert shown[:50] == list(range(50))
    assert shown[-50:] == list(range(50, 100))
    assert set(shown[50:75]) == {49, 50}
    assert not retimer.varies  # one pause is no varying rate


def test_varying_rate_is_told() -> None:
    times = [Fraction(0)]
    for number in range(200):
        times.append(times[-1] + Fraction(1, 30 if number % 3 else 15))
    _, retimer = place(times)
    assert retimer.varies


@given(st.lists(st.integers(0, 4000), min_size=1, max_size=80))
def test_any_times_give_frames_in_order(ticks: list[int]) -> None:
    shown, retimer = place([Fraction(tick, 1000) for tick in ticks])
    assert shown == sorted(shown)
    assert len(shown) == retimer.frames >= 1


def test_no_frames_give_nothing() -> None:
    assert Retimer().finish() == 0
