"""The small parts that voices share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import Mark
from avatar_engine.voice.chunks import Chunker
from avatar_engine.voice.language import detect_language
from avatar_engine.voice.phonemes import SOUND_LEADS_MS, build_phoneme_marks, build_sounds
from avatar_engine.voice.silence import SilentVoice
from avatar_engine.voice.trim import LEAD_MS, TAIL_MS, SilenceTrimmer
from avatar_engine.voice.words import Timed, align_words, split_words, spread_words


@given(st.lists(st.integers(0, 3000), max_size=12))
@settings(deadline=None)
def test_chunks_hold_every_sample_once(sizes: list[int]) -> None:
    chunker, at, chunks = Chunker(), 0, []
    for size in sizes:
        chunks += chunker.push(np.arange(at, at + size).astype(np.int16))
        at += size
    chunks += chunker.flush()
    pcm = np.concatenate([np.zeros(0, np.int16), *(chunk.pcm for chunk in chunks)])
    assert np.array_equal(pcm[:at], np.arange(at).astype(np.int16))
    assert len(pcm) - at < CHUNK_SAMPLES
    assert not pcm[at:].any()
    assert chunker.samples == at


def test_marks_go_out_once_with_the_next_chunk() -> None:
    chunker = Chunker()
    mark = Mark("word", "a", 0, 1)
    chunker.push(np.zeros(10, np.int16))
    chunker.mark([mark])
    chunks = chunker.push(np.zeros(2 * CHUNK_SAMPLES, np.int16)) + chunker.flush()
    assert [chunk.marks for chunk in chunks] == [(mark,), (), ()]


def test_late_marks_are_not_lost() -> None:
    chunker = Chunker()
    chunker.push(np.zeros(CHUNK_SAMPLES, np.int16))
    chunker.mark([Mark("word", "a", 0, 1)])
    assert [len(chunk.marks) for chunk in chunker.flush()] == [1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", ["Hello,", "world!"]),
        ("So — what?", ["So —", "what?"]),
        ("— What?", ["— What?"]),
        ("你好，世界。", ["你", "好，", "世", "界。"]),
        ("用 Python 3.5 吧", ["用", "Python", "3.5", "吧"]),
        ("… !", []),
        ("", []),
    ],
)
def test_words_as_written(text: str, words: list[str]) -> None:
    assert split_words(text) == words


@given(st.text())
@settings(deadline=None)
def test_words_lose_nothing_but_space(text: str) -> None:
    words = split_words(text)
    assert not words or "".join("".join(words).split()) == "".join(text.split())


def test_words_share_time_by_length() -> None:
    marks = spread_words(["a", "bbb"], 100, 500)
    assert [(mark.start_ms, mark.end_ms) for mark in marks] == [(100, 200), (200, 500)]


def test_alignment_is_exact_where_said_as_written_and_shared_elsewhere() -> None:
    spoken = [
        Timed("Meet", 0, 10),
        Timed("three", 20, 30),
        Timed("thirty", 30, 40),
        Timed("P.M", 40, 60),
        Timed("Bob", 90, 99),
    ]
    marks = align_words(["Meet", "3:30", "pm,", "Bob!"], spoken)
    assert [(mark.text, mark.start_ms, mark.end_ms) for mark in marks] == [
        ("Meet", 0, 10),
        ("3:30", 20, 40),
        ("pm,", 40, 60),
        ("Bob!", 90, 99),
    ]


def test_word_that_was_not_said_has_no_length() -> None:
    marks = align_words(["a", "你", "b"], [Timed("a", 0, 10), Timed("b", 10, 20)])
    assert [(mark.start_ms, mark.end_ms) for mark in marks] == [(0, 10), (10, 10), (10, 20)]


def sounds(symbols: str, *units: int) -> list[tuple[str, float, float]]:
    lead = int(SOUND_LEADS_MS / 25)
    made = build_sounds(symbols, np.array([lead, *units, 1], np.float32))
    return [(mark.text, mark.start_ms, mark.end_ms) for mark in build_phoneme_marks(made)]


def test_stress_belongs_to_its_vowel_and_length_to_the_one_before() -> None:
    assert sounds("nˈɑː", 1, 1, 2, 1) == [("n", 0, 25), ("ɑ", 25, 125)]


def test_diphthong_is_two_vowels() -> None:
    assert sounds("bI", 1, 4) == [("b", 0, 25), ("a", 25, 85), ("ɪ", 85, 125)]


def test_short_space_is_the_closure_of_a_stop() -> None:
    assert sounds("n b", 1, 2, 1) == [("n", 0, 25), ("b", 25, 100)]


def test_short_space_is_shared_elsewhere() -> None:
    assert sounds("n ɑ", 1, 2, 1) == [("n", 0, 50), ("ɑ", 50, 100)]


def test_punctuation_is_a_pause() -> None:
    assert sounds("n, ɑ", 1, 2, 2, 1) == [("n", 0, 25), ("ɑ", 125, 150)]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9000)), min_size=1, max_size=8), st.integers(100, 5000))
@settings(deadline=None)
def test_trimming_does_not_depend_on_pieces(runs: list[tuple[bool, int]], size: int) -> None:
    pcm = np.concatenate([np.full(length, 5000 if loud else 20, np.int16) for loud, length in runs])
    trimmer = SilenceTrimmer()
    parts = [trimmer.push(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    kept = np.concatenate([*parts, trimmer.flush()])
    loud = np.flatnonzero(pcm > 1000)
    if not len(loud):
        assert len(kept) == 0
        return
    begin = max(0, loud[0] - LEAD_MS * 48)
    assert trimmer.dropped == begin
    assert np.array_equal(kept, pcm[int(begin) : int(loud[-1] + 1 + TAIL_MS * 48)])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello", "en"),
        ("你好，Bob", "zh"),
        ("こんにちは、世界", "ja"),
        ("日本語を話す", "ja"),
        ("안녕하세요", "ko"),
        ("Привет", "ru"),
        ("مرحبا", "ar"),
        ("नमस्ते", "hi"),
        ("I said 好 to everyone there", "en"),
        ("42", "en"),
        ("", "en"),
    ],
)
def test_language_by_script(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_latin_letters_are_the_language_that_is_expected() -> None:
    assert detect_language("Hola", latin="es") == "es"
    assert detect_language("你好", latin="es") == "zh"


async def test_silence_lasts_as_long_as_speech_would() -> None:
    async def seconds(text: str) -> float:
        return sum([0.02 async for _ in SilentVoice().speak(text)])

    assert 3 < await seconds("This sentence has just about twelve words in it, I should say.") < 6
    assert 1.5 < await seconds("你好，我是主播，很高兴。") < 4
