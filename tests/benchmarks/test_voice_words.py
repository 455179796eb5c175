"""How misheard words are counted."""

from __future__ import annotations

import pytest

from benchmarks.voice_words import count_errors, list_words


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("The train leaves at 7:45.", "the train leaves at seven forty five"),
        ("The train leaves at 7:45.", "The train leaves at 745."),
        ("It costs $12.50!", "It costs twelve dollars and fifty cents."),
        ("My favourite colour", "my favorite color"),
        ("About 3.5 million people", "about three point five million people"),
        ("Don’t go", "don't go"),
        ("In 1200 rooms", "in one thousand two hundred rooms"),
    ],
)
def test_ways_of_writing_the_same_words_are_no_errors(said: str, heard: str) -> None:
    assert list_words(said, "en") == list_words(heard, "en")


def test_chinese_is_counted_by_character_without_punctuation() -> None:
    assert list_words("大家好，欢迎！", "zh") == list("大家好欢迎")
    assert list_words("八点，三百五十万人", "zh") == list_words("8点，350万人", "zh")
    assert count_errors(list_words("一万", "zh"), list_words("一萬", "zh")) == 1


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b", "a b c", 1),
        ("a", "", 1),
        ("", "a b", 2),
    ],
)
def test_errors_are_the_fewest_changes(said: str, heard: str, errors: int) -> None:
    assert count_errors(said.split(), heard.split()) == errors
