"""48 kHz to 16 kHz: exact in any chunking, flat below, quiet above, without delay."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.features.decimate import FACTOR, OUTPUT_RATE_HZ, Decimator
from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Float32, Int16


def decimate(pcm: Int16) -> Float32:
    return Decimator().push(pcm, last=True)


def build_tone(hertz: float, samples: int = 24_000) -> Int16:
    return np.round(16384 * np.sin(2 * np.pi * hertz * np.arange(samples) / SAMPLE_RATE_HZ)).astype(np.int16)


@pytest.mark.parametrize("seed", range(6))
def test_chunking_changes_no_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-32768, 32768, 4801 + seed).astype(np.int16)
    decimator = Decimator()
    pieces = [decimator.push(piece) for piece in np.split(pcm, np.sort(rng.integers(0, pcm.size, 20)))]
    pieces.append(decimator.push(np.zeros(0, np.int16), last=True))
    assert np.array_equal(np.concatenate(pieces), decimate(pcm))


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 4, 1919, 1920, 1921])
def test_a_third_of_the_samples_comes_out(samples: int) -> None:
    assert decimate(np.ones(samples, np.int16)).shape == (-(-samples // FACTOR),)


@pytest.mark.parametrize("hertz", [100, 1000, 4000, 6500])
def test_speech_passes_unchanged_and_in_time(hertz: float) -> None:
    out = decimate(build_tone(hertz))
    expected = 0.5 * np.sin(2 * np.pi * hertz * np.arange(out.size) / OUTPUT_RATE_HZ)
    assert np.abs(out - expected)[40:-40].max() < 0.01


@pytest.mark.parametrize("hertz", [8700, 10_000, 15_000, 20_000])
def test_what_would_fold_back_is_gone(hertz: float) -> None:
    assert np.abs(decimate(build_tone(hertz))[40:-40]).max() < 0.5 * 10 ** (-60 / 20)


def test_full_scale_stays_exact() -> None:
    assert decimate(np.full(3000, -32768, np.int16))[100] == -1.0
