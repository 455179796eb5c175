"""What nobody could answer, and what comes too fast, is refused with a reason."""

import pytest

from chat.moderation import RateLimiter, RateRule, Refusal, check_text


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("text", ["", " ", "...", "!?", "—"])
def test_text_without_anything_to_answer_is_empty(text: str) -> None:
    assert check_text(text) == Refusal("empty")


@pytest.mark.parametrize("text", ["a", "7", "你", "👋", "x" * 500])
def test_text_that_says_something_passes(text: str) -> None:
    assert check_text(text) is None


def test_more_than_500_characters_are_too_long() -> None:
    assert check_text("x" * 501) == Refusal("too_long")


def test_fourth_message_in_two_seconds_pauses_for_ten() -> None:
    clock = Clock()
    pace = RateLimiter(RateRule(count=3, window_s=2, pause_s=10), clock)
    assert [pace.check("a") for _ in range(3)] == [None] * 3
    assert pace.check("a") == Refusal("too_fast", 10)
    assert pace.check("b") is None
    clock.now = 4
    assert pace.check("a") == Refusal("too_fast", 6)
    clock.now = 10
    assert pace.check("a") is None


def test_steady_pace_is_never_refused() -> None:
    clock = Clock()
    pace = RateLimiter(RateRule(count=3, window_s=2, pause_s=10), clock)
    for number in range(100):
        clock.now = number * 0.7
        assert pace.check("a") is None


def test_one_quiet_for_longest_is_forgotten() -> None:
    clock = Clock()
    pace = RateLimiter(RateRule(count=1, window_s=60, pause_s=60), clock, most_keys=2)
    pace.check("a")
    pace.check("b")
    pace.check("a")
    pace.check("c")
    assert pace.check("a") is not None
    assert pace.check("b") is None
