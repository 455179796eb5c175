"""What a network says in one go, and what comes out of it: sound at 48 kHz with its marks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Float32, Int16, Mark
from avatar_engine.voice.phonemes import UNIT_MS, Sound, build_phoneme_marks, time_groups
from avatar_engine.voice.words import align_words, spread_words

NET_RATE_HZ = 24_000
LEAD_MS = 40.0
TAIL_MS = 80.0
BETWEEN_SENTENCES_MS = 240.0
_QUIET_DB = -40.0
_WINDOW_MS = 5
_WINDOW = NET_RATE_HZ * _WINDOW_MS // 1000

Group = tuple[str, int, int]
"""A said word with its first symbol and the symbol after its last."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A phoneme string, which symbols belong to which said word, what was written, and the silence after it.

    speaker: who says it, where a network has several. rate: how fast; the network's durations follow it.
    """

    symbols: str
    groups: tuple[Group, ...]
    words: tuple[str, ...]
    tail_ms: float = BETWEEN_SENTENCES_MS
    speaker: str = ""
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """int16[n] mono at 48 kHz and its marks, times from its first sample."""

    pcm: Int16
    marks: tuple[Mark, ...]


def end_speech(passages: list[Passage]) -> list[Passage]:
    """The same passages, the last one with the short tail that ends a `speak` call."""
    return [*passages[:-1], *(replace(end, tail_ms=TAIL_MS) for end in passages[-1:])]


def build_utterance(wave: Float32, sounds: list[Sound], passage: Passage, gain: float) -> Utterance:
    """Cut the pads of the network's sound, move the marks with it, and bring it to 48 kHz.

    wave: float32[n] mono at 24 kHz. sounds: phonemes with times in it.
    """
    import soxr

    placed = _close_in(wave, sounds)
    begin_ms = max(0.0, placed[0].start_ms - LEAD_MS)
    sound_end_ms = placed[-1].end_ms
    end_ms = sound_end_ms + passage.tail_ms
    kept = wave[_samples(begin_ms) : _samples(end_ms)]
    kept = np.pad(kept, (0, _samples(end_ms) - _samples(begin_ms) - len(kept)))
    placed = [Sound(s.index, s.symbol, s.start_ms - begin_ms, s.end_ms - begin_ms) for s in placed]
    spoken = time_groups(passage.groups, placed)
    words = align_words(passage.words, spoken) or spread_words(passage.words, LEAD_MS, sound_end_ms - begin_ms)
    marks = sorted((*build_phoneme_marks(placed), *words), key=lambda mark: mark.start_ms)
    loud = soxr.resample(kept * np.float32(gain), NET_RATE_HZ, SAMPLE_RATE_HZ)
    pcm = (np.clip(loud, -1.0, 1.0) * 32767).astype(np.int16)
    return Utterance(pcm, tuple(marks))


def _samples(ms: float) -> int:
    return round(ms * NET_RATE_HZ / 1000)


def _close_in(wave: Float32, sounds: list[Sound]) -> list[Sound]:
    """Sounds before a pause and at the end, shortened to where they can be heard (40 dB below the loudest).

    The durations give the silence of a pause to the sound before it.
    """
    whole = wave[: len(wave) - len(wave) % _WINDOW].reshape(-1, _WINDOW)
    power = np.mean(whole**2, axis=1)
    heard = power > power.max() * 10 ** (_QUIET_DB / 10)
    closed: list[Sound] = []
    for sound, following in zip(sounds, [*sounds[1:], None], strict=True):
        if following is not None and following.start_ms <= sound.end_ms:
            closed.append(sound)
            continue
        limit = _window(sound.end_ms) if following else len(heard)
        loud = np.flatnonzero(heard[_window(sound.start_ms) : limit])
        end = sound.start_ms + float(loud[-1] + 1) * _WINDOW_MS if len(loud) else sound.start_ms
        closed.append(Sound(sound.index, sound.symbol, sound.start_ms, max(end, sound.start_ms + UNIT_MS)))
    return closed


def _window(ms: float) -> int:
    return round(ms / _WINDOW_MS)
