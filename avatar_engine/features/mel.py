"""The mel spectrogram that Wav2Lip's audio encoder and its kin hear: numpy only, the same bits in any chunking."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avatar_engine.types import Float32

RATE_HZ = 16_000
HOP = 200
FFT = 800
BANDS = 80
COLUMNS_PER_S = RATE_HZ // HOP
SILENT = -4.0
"""What every band of a column holds where there is no sound: the lower end of the range -4..4."""

_HALF = FFT // 2
_LOW_HZ, _HIGH_HZ = 55.0, 7_600.0
_PRE_EMPHASIS = 0.97
_FLOOR = 1e-5
_REFERENCE_DB = 20.0
_RANGE_DB = 100.0

Float64 = npt.NDArray[np.float64]


def build_mel(samples: npt.NDArray[np.floating]) -> Float32:
    """float[n] mono at 16 kHz in -1..1 to float32[80, 1 + n // 200] in -4..4; column t is centred on sample 200 t.

    Pre-emphasis 0.97, periodic Hann window of 800, zeros beyond both ends, magnitudes, 80 Slaney bands from 55 to
    7600 Hz, decibel against 20 dB, 100 dB spread over -4..4 (Prajwal et al., "A Lip Sync Expert Is All You Need",
    2020).
    """
    stream = MelStream()
    return np.concatenate([stream.push(samples), stream.end()], axis=1)


class MelStream:
    """`build_mel` for sound that comes piece by piece. Every column is computed alone, so no cut changes a bit."""

    def __init__(self) -> None:
        self._window = _build_window()
        self._filters = build_filters()
        self._held: Float64 = np.zeros(_HALF)
        self._last = 0.0

    def push(self, samples: npt.NDArray[np.floating]) -> Float32:
        """Take float[n] at 16 kHz, give float32[80, m]: the columns whose 400 samples to the right are in."""
        sound = np.asarray(samples, np.float64)
        if not sound.size:
            return np.empty((BANDS, 0), np.float32)
        before = np.concatenate([[self._last], sound[:-1]])
        self._last = float(sound[-1])
        return self._cut(sound - _PRE_EMPHASIS * before)

    def end(self) -> Float32:
        """No more sound will come: the columns that still waited for it, float32[80, m]. Call it once, last."""
        return self._cut(np.zeros(_HALF))

    def _cut(self, emphasised: Float64) -> Float32:
        held = np.concatenate([self._held, emphasised])
        count = max(0, (held.size - FFT) // HOP + 1)
        self._held = held[count * HOP :]
        columns = np.empty((BANDS, count), np.float32)
        for number in range(count):
            columns[:, number] = self._build_column(held[number * HOP : number * HOP + FFT])
        return columns

    def _build_column(self, emphasised: Float64) -> Float64:
        magnitude = np.abs(np.fft.rfft(emphasised * self._window))
        bands = np.sum(self._filters * magnitude, axis=1)
        decibel = 20 * np.log10(np.maximum(_FLOOR, bands)) - _REFERENCE_DB
        scaled: Float64 = np.clip(-SILENT * (2 * (decibel + _RANGE_DB) / _RANGE_DB - 1), SILENT, -SILENT)
        return scaled


def _build_window() -> Float64:
    """The periodic Hann window, float64[800]."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT), np.float64)


def build_filters() -> Float64:
    """float64[80, 401]: triangles on Slaney's mel scale, each of area one in Hz (Slaney, Auditory Toolbox, 1998)."""
    edges = _mel_to_hz(np.linspace(_hz_to_mel(_LOW_HZ), _hz_to_mel(_HIGH_HZ), BANDS + 2))
    bins = np.arange(FFT // 2 + 1) * (RATE_HZ / FFT)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None], np.float64)


_KNEE_HZ = 1000.0
_HZ_PER_MEL = 200 / 3
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hertz: float) -> float:
    """Linear below 1 kHz, logarithmic above."""
    return hertz / _HZ_PER_MEL if hertz < _KNEE_HZ else _KNEE_MEL + float(np.log(hertz / _KNEE_HZ) / _LOG_STEP)


def _mel_to_hz(mels: Float64) -> Float64:
    bent = _KNEE_HZ * np.exp(_LOG_STEP * (mels - _KNEE_MEL))
    return np.asarray(np.where(mels < _KNEE_MEL, mels * _HZ_PER_MEL, bent), np.float64)
