"""The sound of a source in step with its picture: 16 kHz mono, and what can be said of it."""

from __future__ import annotations

import os
import wave
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.probe import Source, find_sound, open_source
from avatar_engine.types import Float32, Int16

RATE_HZ = 16_000
SAMPLES_PER_FRAME = RATE_HZ // 25
_BLOCK = 320
_JUMP_S = 0.06
"""Sound that comes this much later than the sound before it ends leaves a gap, which is filled with silence."""


@dataclass(frozen=True, slots=True)
class SoundReport:
    """speech_share: of the time, 0..1. speech_db, noise_db: dBFS of speech and of what lies between it.

    clipped_share: of the samples. missing_s: how much shorter than the picture the sound was.
    """

    speech_share: float
    speech_db: float
    noise_db: float
    clipped_share: float
    missing_s: float

    @property
    def snr_db(self) -> float:
        return self.speech_db - self.noise_db


def read_sound(source: Source, starts_s: float, frames: int) -> tuple[Int16, float]:
    """int16[frames * 640], whose first sample belongs to the first frame, and the seconds that were missing.

    `starts_s` is the time of the first frame on the clock of the file. Raises `SourceRefused`.
    """
    samples = frames * SAMPLES_PER_FRAME
    with open_source(source.path) as container:
        heard = np.concatenate([*_decode(container, Fraction(starts_s), samples), np.empty(0, np.int16)])[:samples]
    missing = samples - heard.size
    return np.pad(heard, (0, missing)), missing / RATE_HZ


def write_sound(path: Path, pcm: Int16) -> None:
    """A WAV file that is there whole or not at all."""
    draft = path.with_suffix(".tmp")
    with wave.open(str(draft), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm.astype("<i2").tobytes())
    os.replace(draft, path)


def measure_sound(pcm: Int16, missing_s: float, limits: Limits) -> SoundReport:
    """What can be said of int16[n] at 16 kHz. Speech is what stands out of the quietest tenth of the time."""
    blocks = pcm[: pcm.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK) / 32768.0
    level = _decibel(blocks)
    noise_db = float(np.percentile(level, 10))
    is_speech = level > max(noise_db + limits.speech_above_noise_db, limits.least_speech_db)
    speech_db = float(10 * np.log10(np.mean(10 ** (level[is_speech] / 10)))) if is_speech.any() else -96.0
    return SoundReport(
        speech_share=float(is_speech.mean()),
        speech_db=speech_db,
        noise_db=noise_db,
        clipped_share=float(np.mean(np.abs(pcm.astype(np.int32)) >= 32_700)),
        missing_s=missing_s,
    )


def _decibel(blocks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(10 * np.log10(np.maximum(np.mean(blocks**2, axis=1), 10**-9.6)))


def _decode(container: Any, starts_s: Fraction, samples: int) -> list[Int16]:
    """Blocks of sound from `starts_s` on, at least `samples` where there are so many."""
    stream = find_sound(container)
    if stream is None:
        return []
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    track = _Track(starts_s, samples)
    packets = container.demux(stream)
    while not track.is_full:
        try:
            frames = next(packets).decode()
        except (StopIteration, av.error.EOFError):
            break
        except av.FFmpegError:  # a damaged packet; after one that could not even be read there are no more
            continue
        for frame in frames:
            track.place(frame)
            for made in _resample(resampler, frame):
                track.add(made)
    for made in _resample(resampler, None):
        track.add(made)
    return track.blocks


def _resample(resampler: Any, frame: Any) -> list[Int16]:
    try:
        return [made.to_ndarray().reshape(-1).astype(np.int16) for made in resampler.resample(frame)]
    except (av.FFmpegError, ValueError):  # the layout changed in the middle of a damaged file
        return []


class _Track:
    """Collects resampled sound; cuts off what is before the picture and fills gaps."""

    def __init__(self, starts_s: Fraction, samples: int) -> None:
        self._starts_s = starts_s
        self._wanted = samples
        self._skip = 0
        self._begun = False
        self._ends_s = Fraction(0)
        self.blocks: list[Int16] = []
        self.count = 0

    @property
    def is_full(self) -> bool:
        return self.count >= self._wanted

    def place(self, frame: Any) -> None:
        """Told before the samples of a decoded frame are added."""
        time_s = Fraction(frame.pts) * frame.time_base if frame.pts is not None else self._ends_s
        if not self._begun:
            self._begun = True
            ahead = round((self._starts_s - time_s) * RATE_HZ)
            self._skip = max(0, ahead)
            self._put_silence(-ahead)
        elif time_s - self._ends_s > _JUMP_S:
            self._put_silence(round((time_s - self._ends_s) * RATE_HZ))
        self._ends_s = time_s + Fraction(frame.samples, frame.sample_rate)

    def add(self, pcm: Int16) -> None:
        kept = pcm[self._skip :]
        self._skip -= pcm.size - kept.size
        self._put(kept)

    def _put_silence(self, samples: int) -> None:
        if samples > 0:
            self._put(np.zeros(min(samples, self._wanted), np.int16))

    def _put(self, pcm: Int16) -> None:
        if pcm.size and not self.is_full:
            self.blocks.append(pcm)
            self.count += pcm.size


def to_float(pcm: Int16) -> Float32:
    """float32[n] in -1..1."""
    return np.asarray(pcm / 32768.0, np.float32)
