"""Speech whose true mouth is known, to drive an avatar with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from avatar_engine.errors import VoiceError
from avatar_engine.lipsync.drawn.mouth import measure_opening
from avatar_engine.lipsync.synctalk_2d.studio.speech import build_mouths, to_shape
from avatar_engine.timing import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int16, Mark
from avatar_engine.voice.base import Voice

RECORDED_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Take:
    """One run of speech: sound int16[n] mono 48 kHz, its marks, and how open the mouth truly is.

    opening: float32[frames], any scale of its own; NaN where nobody knows.
    """

    name: str
    sound: Int16
    marks: tuple[Mark, ...]
    opening: Float32


def build_recorded_take(name: str, sound_16k: Int16, opening: Float32) -> Take:
    """Real speech int16[n] mono 16 kHz with the opening measured in its video, float32[frames]."""
    sound = soxr.resample(sound_16k, RECORDED_RATE_HZ, SAMPLE_RATE_HZ)
    sound = sound[: opening.size * SAMPLES_PER_FRAME]
    return Take(name, np.asarray(sound, np.int16), (), opening[: -(-sound.size // SAMPLES_PER_FRAME)])


async def speak_takes(voice: Voice, sentences: Sequence[str], language: str) -> list[Take]:
    """One take per sentence, with the mouth that its phoneme marks ask for. Raises `VoiceError`."""
    takes = []
    for number, text in enumerate(sentences):
        pcm: list[Int16] = []
        marks: list[Mark] = []
        async for chunk in voice.speak(text, language):
            pcm.append(chunk.pcm)
            marks.extend(chunk.marks)
        if not pcm:
            raise VoiceError(f"{voice.card.name} says nothing for {text!r}", retryable=False)
        sound = np.concatenate(pcm)
        frames = -(-sound.size // SAMPLES_PER_FRAME)
        name = f"{voice.card.name}-{language}-{number:02}"
        takes.append(Take(name, sound, tuple(marks), build_opening(sound, marks, frames)))
    return takes


def build_opening(sound: Int16, marks: Sequence[Mark], frames: int) -> Float32:
    """The opening that phoneme marks ask for, float32[frames]: that of the studio's mouths.

    sound: int16[n] mono 48 kHz, since quiet speech opens the mouth less.
    """
    samples = soxr.resample(sound.astype(np.float32) / 32768, SAMPLE_RATE_HZ, RECORDED_RATE_HZ)
    mouths = build_mouths(samples, marks, frames)
    return np.array([measure_opening(to_shape(row)) for row in mouths], np.float32)


def measure_loudness(sound: Int16) -> Float32:
    """Loudness of each frame of int16[n] at 48 kHz, dBFS with a floor of -60, float32[ceil(n / 1920)]."""
    padded = np.pad(sound, (0, -sound.size % SAMPLES_PER_FRAME)).astype(np.float64) / 32768
    power = np.mean(padded.reshape(-1, SAMPLES_PER_FRAME) ** 2, axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-6)), np.float32)
