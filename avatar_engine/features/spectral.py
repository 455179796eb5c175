"""Loudness and spectral shape of each video frame of sound: numpy only, no look-ahead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avatar_engine.timing import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int16

SILENCE_DB = -96.0
BAND_EDGES_HZ = (80, 300, 600, 1000, 1600, 2400, 3500, 5000, 9000)
BANDS = len(BAND_EDGES_HZ) - 1
DIP_BLOCKS = 4

LOUDNESS = 0
DIP = 1
CENTROID = 2
FIRST_BAND = 3
COLUMNS = FIRST_BAND + BANDS
"""Columns of a row: loudness of the frame in dBFS, loudness of its quietest quarter in dBFS, spectral centroid in
kHz, then the level of each band of `BAND_EDGES_HZ` in dBFS."""


@dataclass(frozen=True, slots=True)
class _Tables:
    window: npt.NDArray[np.float64]
    hertz: npt.NDArray[np.float64]
    first_bins: npt.NDArray[np.intp]


def _build_tables() -> _Tables:
    hertz = np.fft.rfftfreq(SAMPLES_PER_FRAME, 1 / SAMPLE_RATE_HZ)
    window = np.asarray(np.hanning(SAMPLES_PER_FRAME + 1)[:-1], np.float64)
    window /= np.sqrt(np.sum(window**2))
    return _Tables(window, np.asarray(hertz, np.float64), np.searchsorted(hertz, BAND_EDGES_HZ))


def _decibel(power: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
    return 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))


def _build_row(samples: npt.NDArray[np.float64], tables: _Tables) -> Float32:
    power = np.abs(np.fft.rfft(samples * tables.window)) ** 2 * (2 / SAMPLES_PER_FRAME)
    low, high = tables.first_bins[0], tables.first_bins[-1]
    heard = power[low:high]
    row = np.empty(COLUMNS, np.float32)
    row[LOUDNESS] = _decibel(float(np.mean(samples**2)))
    row[DIP] = _decibel(float(np.min(np.mean(samples.reshape(DIP_BLOCKS, -1) ** 2, axis=1))))
    row[CENTROID] = np.sum(heard * tables.hertz[low:high]) / max(float(np.sum(heard)), 1e-12) / 1000
    row[FIRST_BAND:] = _decibel(np.add.reduceat(power[:high], tables.first_bins[:-1]))
    return row


class SpectralStream:
    """One run of speech. Row i needs exactly the samples of frame i, so a row is ready as soon as its frame is in."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self._pending = np.zeros(0, np.int16)
        self._rows: list[Float32] = []

    def push(self, pcm: Int16, *, last: bool = False) -> None:
        """Take int16[n] mono 48 kHz. With `last` a started frame is filled up with silence."""
        samples = np.concatenate([self._pending, pcm])
        if last:
            samples = np.pad(samples, (0, -samples.size % SAMPLES_PER_FRAME))
        whole = samples.size // SAMPLES_PER_FRAME * SAMPLES_PER_FRAME
        for frame in samples[:whole].reshape(-1, SAMPLES_PER_FRAME):
            self._rows.append(_build_row(frame / 32768.0, self._tables))
        self._pending = samples[whole:]

    @property
    def ready(self) -> int:
        """Rows that `take` can give now."""
        return len(self._rows)

    def take(self, frames: int) -> Float32:
        """The next `frames` rows, float32[frames, COLUMNS]. Raises ValueError when fewer are ready."""
        if frames > len(self._rows):
            raise ValueError(f"{frames} rows asked, {len(self._rows)} ready")
        rows, self._rows = self._rows[:frames], self._rows[frames:]
        return np.stack(rows) if rows else np.empty((0, COLUMNS), np.float32)


class SpectralExtractor:
    """Opens spectral streams; holds only its tables."""

    def __init__(self) -> None:
        self._tables = _build_tables()

    def open(self) -> SpectralStream:
        """A stream for one run of speech."""
        return SpectralStream(self._tables)


def load_spectral(weights: Path | None) -> SpectralExtractor:
    """It needs no weights."""
    return SpectralExtractor()
