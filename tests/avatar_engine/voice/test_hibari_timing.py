"""The phoneme marks of the embedded voice are where the sound is: what the mouth is drawn from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from avatar_engine.timing import CHUNK_MS
from avatar_engine.voice.hibari import HibariVoice
from avatar_engine.voice.passage import BETWEEN_SENTENCES_MS, LEAD_MS, TAIL_MS
from tests.avatar_engine.voice.sound_marks import HISSES, LIPS_CLOSED, STEP_MS, VOWELS, Said, best_shift, mean, say

SENTENCES = (
    "People may bring a big map, but Bob keeps mum about the problem.",
    "She sells sea shells by the sea shore on Sunday afternoons.",
    "Please put the paper back in the blue box before supper.",
    "Maybe we should begin with a simple example about maps and boats.",
    "Fresh fish is sold at the shop across the street from the church.",
    "My mother made some apple pie for Bobby's birthday party.",
)


@pytest.fixture(scope="module")
def voice() -> Iterator[HibariVoice]:
    made = HibariVoice()
    yield made
    asyncio.run(made.close())


@pytest.fixture(scope="module")
def said(voice: HibariVoice) -> list[Said]:
    async def say_all() -> list[Said]:
        return [await say(voice, text) for text in SENTENCES]

    return asyncio.run(say_all())


def test_closed_lips_are_quieter_than_vowels(said: list[Said]) -> None:
    assert mean(said, "loud_db", VOWELS, 0) - mean(said, "loud_db", LIPS_CLOSED, 0) > 12


def test_hisses_have_more_treble_than_vowels(said: list[Said]) -> None:
    assert mean(said, "treble_db", HISSES, 0) - mean(said, "treble_db", VOWELS, 0) > 25


def test_marks_are_within_half_a_frame_of_the_sound(said: list[Said]) -> None:
    assert abs(best_shift(said, "loud_db", VOWELS, LIPS_CLOSED)) <= 20
    assert abs(best_shift(said, "treble_db", HISSES, VOWELS)) <= 20


def test_almost_every_closure_is_a_dip(said: list[Said]) -> None:
    """The quietest moment of a p or b inside speech is below the loudest of the vowels beside it."""
    dips: list[bool] = []
    for one in said:
        for before, mark, after in zip(one.phonemes, one.phonemes[1:], one.phonemes[2:], strict=False):
            if mark.text not in LIPS_CLOSED or not {before.text, after.text} & VOWELS:
                continue
            first, last = round(mark.start_ms / STEP_MS), round(mark.end_ms / STEP_MS)
            around = one.loud_db[max(0, first - 20) : last + 20].max()
            dips.append(bool(one.loud_db[first : last + 1].min() < around - 15))
    assert len(dips) > 15
    assert np.mean(dips) > 0.85


def test_sound_starts_40_ms_in_and_ends_80_ms_before_the_end(said: list[Said]) -> None:
    for one in said:
        heard = np.flatnonzero(one.loud_db > one.loud_db.max() - 40) * STEP_MS
        assert heard[0] == pytest.approx(LEAD_MS, abs=45)
        assert one.length_ms - heard[-1] == pytest.approx(TAIL_MS, abs=CHUNK_MS + 10)
        assert one.phonemes[0].start_ms == pytest.approx(LEAD_MS, abs=1)


def test_phonemes_do_not_overlap_and_words_contain_them(said: list[Said]) -> None:
    for one in said:
        for before, after in zip(one.phonemes, one.phonemes[1:], strict=False):
            assert before.start_ms < before.end_ms <= after.start_ms + 1e-6
        assert one.words[0].start_ms == one.phonemes[0].start_ms
        assert one.words[-1].end_ms == one.phonemes[-1].end_ms


async def test_a_pause_has_no_phoneme(voice: HibariVoice) -> None:
    one = await say(voice, "Well — I was there. Now I am here.")
    gaps = [b.start_ms - a.end_ms for a, b in zip(one.phonemes, one.phonemes[1:], strict=False)]
    assert [gap > 60 for gap in gaps].count(True) == 2
    assert max(gaps) == pytest.approx(BETWEEN_SENTENCES_MS + LEAD_MS, abs=30)


async def test_word_times_survive_numbers(voice: HibariVoice) -> None:
    one = await say(voice, "It costs $3.50 at 3:30 on May 5, 2024, Bob.")
    assert [mark.text for mark in one.words] == [
        "It",
        "costs",
        "$3.50",
        "at",
        "3:30",
        "on",
        "May",
        "5,",
        "2024,",
        "Bob.",
    ]
    bob = one.words[-1]
    inside = [mark.text for mark in one.phonemes if bob.start_ms <= mark.start_ms < bob.end_ms]
    assert inside == ["b", "ɑ", "b"]


async def test_long_text_is_said_to_its_end(voice: HibariVoice) -> None:
    one = await say(voice, "My name is Bob and I like big maps " * 30)
    assert len(one.words) == 9 * 30
    assert one.words[-1].end_ms == pytest.approx(one.length_ms, abs=TAIL_MS + CHUNK_MS + 1)
