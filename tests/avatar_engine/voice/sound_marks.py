"""Compares phoneme marks with the sound that they are about."""

from __future__ import annotations

import numpy as np

from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Mark
from avatar_engine.voice.base import Voice

STEP_MS = 5
STEP = SAMPLE_RATE_HZ * STEP_MS // 1000
LIPS_CLOSED = frozenset("pb")
NASALS = frozenset("mnŋ")
VOWELS = frozenset("iuɑæɛɜɪʊʌɔəɐaoeɤyɚɨɥ")
HISSES = frozenset("szʃʒʧʤʂɕʦ")


class Said:
    """One sentence: loudness and treble (dB) every 5 ms, and its marks."""

    def __init__(self, pcm: np.ndarray, marks: list[Mark]) -> None:
        frames = pcm[: len(pcm) // STEP * STEP].reshape(-1, STEP).astype(float) / 32768
        power = np.abs(np.fft.rfft(frames * np.hanning(STEP), axis=1)) ** 2
        hz = np.fft.rfftfreq(STEP, 1 / SAMPLE_RATE_HZ)
        self.loud_db = 10 * np.log10(power.sum(1) + 1e-7)
        self.treble_db = 10 * np.log10(power[:, (hz > 3500) & (hz < 11000)].sum(1) + 1e-7) - 10 * np.log10(
            power[:, (hz > 0) & (hz < 1500)].sum(1) + 1e-7
        )
        self.length_ms = len(pcm) * 1000 / SAMPLE_RATE_HZ
        self.phonemes = [mark for mark in marks if mark.kind == "phoneme"]
        self.words = [mark for mark in marks if mark.kind == "word"]

    def during(self, values: np.ndarray, mark: Mark, shift_ms: float) -> float | None:
        begin = round((mark.start_ms + shift_ms) / STEP_MS)
        end = max(begin + 1, round((mark.end_ms + shift_ms) / STEP_MS))
        return float(values[begin:end].mean()) if begin >= 0 and end <= len(values) else None


async def say(voice: Voice, text: str, language: str | None = None) -> Said:
    chunks = [chunk async for chunk in voice.speak(text, language)]
    return Said(np.concatenate([chunk.pcm for chunk in chunks]), [mark for chunk in chunks for mark in chunk.marks])


def mean(said: list[Said], series: str, symbols: frozenset[str] | None, shift_ms: float) -> float:
    values = [
        value
        for one in said
        for mark in one.phonemes
        if symbols is None or mark.text in symbols
        if (value := one.during(getattr(one, series), mark, shift_ms)) is not None
    ]
    return float(np.mean(values))


def best_shift(said: list[Said], series: str, high: frozenset[str], low: frozenset[str]) -> int:
    """By how much the marks would have to move to tell the two kinds of phonemes apart best."""
    shifts = range(-80, 81, 5)
    return max(shifts, key=lambda ms: mean(said, series, high, ms) - mean(said, series, low, ms))
