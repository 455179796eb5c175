"""Mel-frequency cepstral coefficients as networks of who speaks were trained on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avatar_engine.types import Float32, Int16

Float64 = npt.NDArray[np.float64]
RATE_HZ = 16_000
FRAME_SAMPLES, HOP_SAMPLES = 400, 160
FFT = 512
FILTERS, COEFFICIENTS = 26, 13
LIFTER = 22
EMPHASIS = 0.97


def build_mfcc(samples: Int16) -> Float32:
    """float32[rows, 13] of int16[n] mono at 16 kHz, 100 rows a second; a last row that begins is filled with silence.

    The scale is that of the integers. 25 ms rectangular frames every 10 ms after pre-emphasis 0.97, power over 512,
    26 triangles in mel from 0 to 8 kHz, logarithm, orthonormal DCT-II, sine lifter 22 (Young et al., The HTK Book);
    coefficient 0 is the logarithm of the frame's energy.
    """
    signal = samples.astype(np.float64)
    signal = np.append(signal[:1], signal[1:] - EMPHASIS * signal[:-1])
    rows = 1 + max(0, -(-(signal.size - FRAME_SAMPLES) // HOP_SAMPLES))
    signal = np.pad(signal, (0, (rows - 1) * HOP_SAMPLES + FRAME_SAMPLES - signal.size))
    frames = np.lib.stride_tricks.sliding_window_view(signal, FRAME_SAMPLES)[::HOP_SAMPLES]
    power = np.abs(np.fft.rfft(frames, FFT)) ** 2 / FFT
    tiny = np.finfo(np.float64).eps
    energy = np.maximum(power.sum(axis=1), tiny)
    bands = np.log(np.maximum(power @ build_filters().T, tiny))
    cepstra = bands @ build_dct().T * (1 + LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / LIFTER))
    cepstra[:, 0] = np.log(energy)
    return cepstra.astype(np.float32)


def build_filters() -> Float64:
    """The triangles, float64[26, 257] over the bins of the transform; corners lie on whole bins."""
    mel = np.linspace(0, 2595 * np.log10(1 + RATE_HZ / 2 / 700), FILTERS + 2)
    hertz = 700 * (10 ** (mel / 2595) - 1)
    corners = np.floor((FFT + 1) * hertz / RATE_HZ).astype(int)
    bins = np.arange(FFT // 2 + 1)[None, :]
    starts, middles, ends = (corners[i : i + FILTERS, None] for i in range(3))
    rise = np.where((bins >= starts) & (bins < middles), (bins - starts) / np.maximum(middles - starts, 1), 0)
    fall = np.where((bins >= middles) & (bins < ends), (ends - bins) / np.maximum(ends - middles, 1), 0)
    return np.asarray(rise + fall, np.float64)


def build_dct() -> Float64:
    """The first rows of the orthonormal DCT-II of the bands, float64[13, 26]."""
    row, column = np.arange(COEFFICIENTS)[:, None], np.arange(FILTERS)[None, :]
    scale = np.where(row == 0, np.sqrt(1 / FILTERS), np.sqrt(2 / FILTERS))
    return np.asarray(scale * np.cos(np.pi * row * (2 * column + 1) / (2 * FILTERS)), np.float64)
