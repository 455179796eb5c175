"""Sound files of any kind as the sound that presenters speak with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np

from avatar_engine.errors import ClipError
from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Float32, Int16

MOST_S = 3600.0
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 4_000, 384_000


def read_sound(source: Path | BinaryIO, most_s: float = MOST_S) -> Int16:
    """The first sound track of a file, int16[n] mono 48 kHz: channels mixed, what is not finite silent, peaks clipped.

    Raises `ClipError` where there is none, where it is broken from its start, and where it lasts over `most_s`.
    """
    import soxr

    pieces: list[Float32] = []
    resampler: soxr.ResampleStream | None = None
    samples, rate_hz = 0, SAMPLE_RATE_HZ
    for rate_hz, mono in _decode(source):
        if resampler is None:
            resampler = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        samples += len(mono)
        if samples > most_s * rate_hz:
            raise ClipError(f"{_name(source)} lasts over {most_s:.0f} s, which is the most")
        pieces.append(resampler.resample_chunk(mono))
    if resampler is None or not samples:
        raise ClipError(f"{_name(source)} holds no sound")
    pieces.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    # A file that is shorter than the filter comes out a few samples off.
    wanted = max(round(samples * SAMPLE_RATE_HZ / rate_hz), 1)
    sound = np.concatenate(pieces)[:wanted]
    sound = np.pad(sound, (0, wanted - len(sound)))
    return np.rint(np.clip(sound, -1, 1) * 32767).astype(np.int16)


def _decode(source: Path | BinaryIO) -> Iterator[tuple[int, Float32]]:
    """(rate, float32[n] mono) of each frame of the first sound track, at the rate of its first."""
    try:
        with av.open(str(source) if isinstance(source, Path) else source) as file:
            track = next(iter(file.streams.audio), None)
            if track is None:
                raise ClipError(f"{_name(source)} holds no sound")
            converter: av.AudioResampler | None = None
            rate_hz = 0
            for frame in file.decode(track):
                if converter is None:
                    rate_hz = _check_rate(source, frame.sample_rate)
                    converter = av.AudioResampler(format="fltp", layout=frame.layout, rate=rate_hz)
                for plain in converter.resample(frame):
                    yield rate_hz, _mix(plain.to_ndarray())
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        raise ClipError(f"{_name(source)} cannot be read as sound: {error}") from error


def _check_rate(source: Path | BinaryIO, rate_hz: int) -> int:
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise ClipError(
            f"{_name(source)} has {rate_hz} samples a second; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} are read"
        )
    return rate_hz


def _mix(channels: Float32) -> Float32:
    """float32[channels, n] to float32[n]."""
    clean = np.nan_to_num(channels, nan=0.0, posinf=0.0, neginf=0.0)
    return np.ascontiguousarray(np.clip(clean, -8, 8).mean(axis=0), np.float32)


def _name(source: Path | BinaryIO) -> str:
    return source.name if isinstance(source, Path) else "the file"
