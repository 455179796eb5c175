"""Cepstra against their definition, written out another way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.fft import dct

from avatar_engine.evaluate.mfcc import build_dct, build_filters, build_mfcc
from avatar_engine.types import Int16


def speechlike(samples: int) -> Int16:
    rng = np.random.default_rng(3)
    time_s = np.arange(samples) / 16_000
    tone = sum(np.sin(2 * np.pi * 130 * k * time_s) / k for k in range(1, 30))
    return (2500 * tone * (1 + np.sin(2 * np.pi * 4 * time_s)) + rng.normal(0, 60, samples)).astype(np.int16)


def build_row_by_hand(sound: np.ndarray, row: int) -> np.ndarray:
    emphasised = [float(sound[0]), *(float(b) - 0.97 * float(a) for a, b in itertools.pairwise(sound))]
    frame = np.array((emphasised + [0.0] * 400)[row * 160 : row * 160 + 400])
    power = np.abs(np.fft.rfft(np.append(frame, np.zeros(112)))) ** 2 / 512
    top = 2595 * np.log10(1 + 8000 / 700)
    corners = [int(513 * 700 * (10 ** (top * i / 27 / 2595) - 1) / 16_000) for i in range(28)]
    bands = []
    for left, middle, right in zip(corners, corners[1:], corners[2:], strict=False):
        band = sum(power[k] * (k - left) / (middle - left) for k in range(left, middle))
        bands.append(band + sum(power[k] * (right - k) / (right - middle) for k in range(middle, right)))
    cepstra = dct(np.log(bands), type=2, norm="ortho")[:13]
    cepstra *= 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    cepstra[0] = np.log(power.sum())
    return cepstra


@pytest.mark.parametrize("row", [0, 1, 57, 98])
def test_rows_equal_the_definition(row: int) -> None:
    sound = speechlike(16_000)
    assert build_mfcc(sound)[row] == pytest.approx(build_row_by_hand(sound, row), abs=2e-4)


@pytest.mark.parametrize(("samples", "rows"), [(1, 1), (400, 1), (401, 2), (560, 2), (16_000, 99), (16_240, 100)])
def test_a_row_comes_every_ten_milliseconds(samples: int, rows: int) -> None:
    assert build_mfcc(speechlike(samples)).shape == (rows, 13)


def test_silence_is_finite() -> None:
    assert np.isfinite(build_mfcc(np.zeros(3200, np.int16))).all()
    assert np.isfinite(build_mfcc(np.zeros(0, np.int16))).all()


def test_twice_as_loud_moves_the_energy_alone() -> None:
    quiet = speechlike(8000)
    low, high = build_mfcc(quiet), build_mfcc((2 * quiet.astype(int)).astype(np.int16))
    assert high[:, 0] - low[:, 0] == pytest.approx(np.log(4), abs=1e-3)
    assert high[:, 1:] == pytest.approx(low[:, 1:], abs=1e-3)


def test_the_cosine_rows_are_orthonormal_and_triangles_peak_at_one() -> None:
    rows = build_dct()
    assert rows @ rows.T == pytest.approx(np.eye(13), abs=1e-12)
    assert build_filters().max(axis=1) == pytest.approx(np.ones(26))
