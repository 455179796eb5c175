"""From the durations that a voice's network predicts to phoneme and word marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from avatar_engine.types import Float32, Mark
from avatar_engine.voice.words import Timed

UNIT_MS = 25.0
SOUND_LEADS_MS = 50.0
"""The sound of a phoneme comes this much before the place where the durations put it.

Measured on 12 sentences: the loudness of vowels against stops, and the treble of fricatives against the rest, are
both most distinct at -50 ms (stops 18 dB under vowels; at 0 ms 1.5 dB). Kokoro, hibari's teacher, is the same in
English and in Chinese (stops 20 and 22 dB under vowels).
"""

_STRESS = "ˈˌ"
_LENGTHENERS = "ː̃ʰʲ↓→↗↘"
_PUNCTUATION = ';:,.!?—…"()“”'
_STOPS = "pbtdkɡʧʤʦʨꭧ"
_SHORT_SPACE_MS = 75.0
_DIPHTHONG_TURN = 0.6
_IPA = {
    "A": ("e", "ɪ"),
    "I": ("a", "ɪ"),
    "O": ("o", "ʊ"),
    "Q": ("ə", "ʊ"),
    "W": ("a", "ʊ"),
    "Y": ("ɔ", "ɪ"),
    "T": ("ɾ",),
    "ᵊ": ("ə",),
    "ᵻ": ("ɪ",),
    "g": ("ɡ",),
    "ʨ": ("t", "ɕ"),
    "ꭧ": ("t", "ʂ"),
}
"""The model's alphabet writes some sounds with one letter of its own; everything else in it is IPA."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One phoneme of the model's alphabet with its place in the phoneme string and its time."""

    index: int
    symbol: str
    start_ms: float
    end_ms: float


def build_sounds(symbols: str, units: Float32) -> list[Sound]:
    """Phonemes with their times in the untrimmed sound of one network call.

    units: float32[len(symbols) + 2], length of the leading pad, every symbol and the closing pad, in 25 ms steps.
    Stress marks belong to the vowel after them, marks of length and tone to the sound before. A short space between two
    words is no pause: it belongs to a stop that follows (its closure), else to both neighbours by half.
    """
    edges = _edges(units)
    sounds: list[Sound] = []
    stress_from: float | None = None
    space_from: float | None = None
    for index, symbol in enumerate(symbols):
        start, end = edges[index + 1], edges[index + 2]
        if symbol in _STRESS:
            stress_from = start if stress_from is None else stress_from
        elif symbol == " ":
            space_from = start if index and symbols[index - 1] not in _PUNCTUATION else None
        elif symbol in _PUNCTUATION:
            stress_from = space_from = None
        elif symbol in _LENGTHENERS and sounds:
            last = sounds[-1]
            sounds[-1] = Sound(last.index, last.symbol, last.start_ms, end)
        else:
            start = start if stress_from is None else stress_from
            if space_from is not None and sounds and start - space_from <= _SHORT_SPACE_MS:
                start = _close_space(sounds, symbol, space_from, start)
            sounds.append(Sound(index, symbol, start, end))
            stress_from = space_from = None
    return sounds


def build_phoneme_marks(sounds: Sequence[Sound]) -> list[Mark]:
    """One mark per IPA symbol; diphthongs and Chinese affricates become their two parts."""
    marks: list[Mark] = []
    for sound in sounds:
        parts = _IPA.get(sound.symbol, (sound.symbol,))
        if len(parts) == 1:
            marks.append(Mark("phoneme", parts[0], sound.start_ms, sound.end_ms))
            continue
        turn = sound.start_ms + (sound.end_ms - sound.start_ms) * _DIPHTHONG_TURN
        marks.append(Mark("phoneme", parts[0], sound.start_ms, turn))
        marks.append(Mark("phoneme", parts[1], turn, sound.end_ms))
    return marks


def time_groups(groups: Sequence[tuple[str, int, int]], sounds: Sequence[Sound]) -> list[Timed]:
    """Times of groups (text, first symbol, symbol after the last); a group without a sound is left out."""
    timed: list[Timed] = []
    for text, first, after in groups:
        inside = [sound for sound in sounds if first <= sound.index < after]
        if inside:
            timed.append(Timed(text, inside[0].start_ms, inside[-1].end_ms))
    return timed


def _edges(units: Float32) -> list[float]:
    """Where every symbol begins, milliseconds, pads included; one more value for the end."""
    edges = [0.0]
    for unit in units:
        edges.append(edges[-1] + float(unit) * UNIT_MS)
    return [max(0.0, edge - SOUND_LEADS_MS) for edge in edges]


def _close_space(sounds: list[Sound], symbol: str, space_ms: float, start_ms: float) -> float:
    """Share a short space between its neighbours; return where the sound after it begins."""
    if symbol in _STOPS:
        return space_ms
    middle = (space_ms + start_ms) / 2
    last = sounds[-1]
    sounds[-1] = Sound(last.index, last.symbol, last.start_ms, middle)
    return middle
