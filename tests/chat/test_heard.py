"""From milliseconds heard to the words heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_engine.types import Mark
from chat.heard import build_heard, estimate_ms

TEXT = "One two three four five."
WORDS = [Mark("word", word, 100.0 * at, 100.0 * at + 100) for at, word in enumerate(TEXT.split())]


@pytest.mark.parametrize(
    ("heard_ms", "heard"),
    [(0, ""), (99, ""), (100, "One"), (250, "One two"), (499, "One two three four"), (500, TEXT), (900, TEXT)],
)
def test_words_that_had_ended_were_heard(heard_ms: float, heard: str) -> None:
    assert build_heard(TEXT, WORDS, heard_ms, 500) == heard


def test_without_marks_the_share_of_time_tells() -> None:
    assert build_heard(TEXT, [], 250, 500) == "One two"
    assert build_heard(TEXT, [Mark("phoneme", "w", 0, 500)], 250, 500) == "One two"
    assert build_heard(TEXT, [], 250, 0) == ""


def test_script_without_spaces_is_cut_by_characters() -> None:
    assert build_heard("今天天气很好。", [], 500, 1000) == "今天天"


def test_more_spoken_words_than_written_ones_keep_the_share() -> None:
    spoken = [Mark("word", str(at), 100.0 * at, 100.0 * at + 100) for at in range(10)]
    assert build_heard(TEXT, spoken, 400, 1000) == "One two"


@given(st.text(max_size=40), st.floats(0, 5000), st.floats(0, 5000))
def test_what_was_heard_is_always_the_beginning_of_the_text(text: str, heard_ms: float, duration_ms: float) -> None:
    heard = build_heard(text, [], heard_ms, duration_ms)
    assert text.startswith(heard)


@given(st.floats(0, 600), st.floats(0, 600))
def test_more_time_is_never_fewer_words(one: float, other: float) -> None:
    less, more = sorted((one, other))
    assert build_heard(TEXT, WORDS, more, 500).startswith(build_heard(TEXT, WORDS, less, 500))


def test_usual_pace_is_about_that_of_speech() -> None:
    assert 1000 < estimate_ms(TEXT) < 2500
    assert 1000 < estimate_ms("今天天气很好。") < 2500
