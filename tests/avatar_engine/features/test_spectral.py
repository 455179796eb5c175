"""Spectral rows: the same in any chunking, and true to the sound."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.features.spectral import (
    BANDS,
    CENTROID,
    COLUMNS,
    DIP,
    FIRST_BAND,
    LOUDNESS,
    SILENCE_DB,
    SpectralExtractor,
)
from avatar_engine.timing import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int16


def build_tone(hertz: float, frames: float, peak: float = 16384) -> Int16:
    t = np.arange(int(frames * SAMPLES_PER_FRAME)) / SAMPLE_RATE_HZ
    return np.round(peak * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def measure(pcm: Int16) -> Float32:
    stream = SpectralExtractor().open()
    stream.push(pcm, last=True)
    return stream.take(stream.ready)


@pytest.mark.parametrize("seed", range(4))
def test_chunking_changes_no_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pcm = rng.integers(-20000, 20000, 7 * SAMPLES_PER_FRAME + 311).astype(np.int16)
    stream = SpectralExtractor().open()
    cuts = np.sort(rng.integers(0, pcm.size, 12))
    for piece in np.split(pcm, cuts):
        stream.push(piece)
    stream.push(np.zeros(0, np.int16), last=True)
    rows = np.concatenate([stream.take(3), stream.take(stream.ready)])
    assert np.array_equal(rows, measure(pcm))


def test_a_row_is_ready_as_soon_as_its_frame_is_in() -> None:
    stream = SpectralExtractor().open()
    stream.push(build_tone(400, 1)[:-1])
    assert stream.ready == 0
    stream.push(np.zeros(1, np.int16))
    assert stream.ready == 1


def test_the_last_started_frame_is_filled_with_silence() -> None:
    rows = measure(build_tone(400, 2.25))
    assert rows.shape == (3, COLUMNS)
    assert rows[2, LOUDNESS] == pytest.approx(rows[1, LOUDNESS] - 6.0, abs=0.2)
    assert rows[2, DIP] == SILENCE_DB


def test_loudness_is_in_dbfs() -> None:
    assert measure(build_tone(400, 1))[0, LOUDNESS] == pytest.approx(-9.03, abs=0.05)
    assert measure(np.zeros(SAMPLES_PER_FRAME, np.int16))[0, LOUDNESS] == SILENCE_DB


@pytest.mark.parametrize(("hertz", "band"), [(200, 0), (450, 1), (800, 2), (1300, 3), (2000, 4), (3000, 5), (6000, 7)])
def test_a_tone_fills_its_own_band(hertz: float, band: int) -> None:
    row = measure(build_tone(hertz, 1))[0]
    assert int(np.argmax(row[FIRST_BAND:])) == band
    assert row[FIRST_BAND + band] == pytest.approx(row[LOUDNESS], abs=0.6)
    assert row[CENTROID] == pytest.approx(hertz / 1000, abs=0.05)
    assert row.shape == (FIRST_BAND + BANDS,)


def test_asking_for_rows_that_are_not_there_is_an_error() -> None:
    stream = SpectralExtractor().open()
    with pytest.raises(ValueError, match="1 rows asked, 0 ready"):
        stream.take(1)
