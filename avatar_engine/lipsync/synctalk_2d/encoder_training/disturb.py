"""Other rooms, microphones and throats: what is done to clean sound before the encoder hears it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avatar_engine.features.mel import BANDS, FFT, RATE_HZ, build_filters
from avatar_engine.types import Float32

Float64 = npt.NDArray[np.float64]

_BANDS_HZ = (60, 150, 350, 800, 1800, 3500, 6000, 8000)
_TILT_DB = 6.0
_TELEPHONE_HZ = (300, 3400)


def stretch(samples: Float32, factor: float) -> Float32:
    """Play float32[n] `factor` times as fast: pitch and formants go up with it, as in a smaller throat."""
    import soxr

    played: Float32 = soxr.resample(samples, RATE_HZ * factor, RATE_HZ)
    return played.astype(np.float32)


def build_throat(factor: float) -> Float32:
    """float32[80, 80] that, multiplied with mel columns, moves formants to `factor` times their frequency.

    Pitch and time stay: a longer throat (below 1) with the same voice in it (Jaitly and Hinton, 2013).
    """
    centres = np.sum(build_filters() * np.arange(FFT // 2 + 1), axis=1) / np.sum(build_filters(), axis=1)
    places = np.interp(centres / factor, centres, np.arange(BANDS))
    low = np.minimum(places.astype(int), BANDS - 2)
    throat = np.zeros((BANDS, BANDS), np.float32)
    throat[np.arange(BANDS), low] = 1 - (places - low)
    throat[np.arange(BANDS), low + 1] = places - low
    return throat


def disturb(samples: Float32, draw: np.random.Generator) -> Float32:
    """float32[n] in -1..1, the same length: through a room and a microphone, with noise, at another level."""
    length = samples.size
    size = 1 << (length + RATE_HZ // 2).bit_length()
    spectrum = np.fft.rfft(samples, size)
    hertz = np.asarray(np.fft.rfftfreq(size, 1 / RATE_HZ), np.float64)
    spectrum *= _draw_colour(hertz, draw)
    if draw.random() < 0.4:
        spectrum *= np.fft.rfft(_draw_room(draw), size)
    heard = np.asarray(np.fft.irfft(spectrum, size)[:length], np.float64)
    if draw.random() < 0.7:
        heard += _draw_noise(heard, hertz, size, draw)
    peak = max(float(np.abs(heard).max(initial=0.0)), 1e-4)
    level = 10 ** (draw.uniform(-22, 1.5) / 20)
    return np.clip(heard * (level / peak), -1, 1).astype(np.float32)


def _draw_colour(hertz: Float64, draw: np.random.Generator) -> Float64:
    """A gain for each frequency: a random curve, sometimes a telephone's band."""
    decibel = np.interp(hertz, _BANDS_HZ, draw.uniform(-_TILT_DB, _TILT_DB, len(_BANDS_HZ)))
    if draw.random() < 0.08:
        low, high = _TELEPHONE_HZ
        decibel = decibel - 40 * ((hertz < low) | (hertz > high))
    return np.asarray(10 ** (decibel / 20), np.float64)


def _draw_room(draw: np.random.Generator) -> Float64:
    """An impulse and its echo: noise that dies away within 0.1 to 0.5 s."""
    fade_s = draw.uniform(0.1, 0.5)
    t = np.arange(int(fade_s * RATE_HZ)) / RATE_HZ
    echo = draw.normal(0, 1, t.size) * np.exp(-6.9 * t / fade_s)
    echo *= 10 ** (-draw.uniform(3, 18) / 20) / np.sqrt(np.sum(echo**2))
    echo[0] = 1.0
    return np.asarray(echo, np.float64)


def _draw_noise(heard: Float64, hertz: Float64, size: int, draw: np.random.Generator) -> Float64:
    """Noise whose spectrum falls by 0 to 6 dB an octave, 5 to 40 dB below the sound."""
    slope = draw.uniform(0, 1)
    phases = np.exp(2j * np.pi * draw.random(hertz.size))
    noise = np.fft.irfft(phases / np.maximum(hertz, 50) ** slope, size)[: heard.size]
    wanted = np.sqrt(np.mean(heard**2)) * 10 ** (-draw.uniform(5, 40) / 20)
    return np.asarray(noise * (wanted / max(float(np.sqrt(np.mean(noise**2))), 1e-12)), np.float64)
