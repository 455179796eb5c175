from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from avatar_engine.features.mel import BANDS, HOP, RATE_HZ, SILENT, MelStream, build_filters, build_mel

Samples = npt.NDArray[np.float32]


def build_golden_sound() -> Samples:
    t = np.arange(RATE_HZ) / RATE_HZ
    vibrato = 0.3 * np.sin(2 * np.pi * 3 * t)
    return (0.5 * np.sin(2 * np.pi * 220 * t) + 0.25 * np.sin(2 * np.pi * 1760 * t + vibrato)).astype(np.float32)


def build_noise(samples: int, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).uniform(-0.8, 0.8, samples).astype(np.float32)


def stream_in_pieces(sound: Samples, piece: int) -> npt.NDArray[np.float32]:
    stream = MelStream()
    columns = [stream.push(sound[start : start + piece]) for start in range(0, len(sound), piece)]
    return np.concatenate([*columns, stream.end()], axis=1)


def test_the_golden_sound_gives_the_golden_columns() -> None:
    mel = build_mel(build_golden_sound())
    assert (mel.shape, mel.dtype) == ((80, 81), np.float32)
    assert float(mel.mean()) == pytest.approx(-3.490733, abs=1e-5)
    expected = {(0, 0): -0.41466, (10, 5): -4, (10, 40): -4, (40, 40): 1.91970, (55, 60): -4, (79, 80): -1.37480}
    assert {place: float(mel[place]) for place in expected} == pytest.approx(expected, abs=1e-4)


def test_filters_are_those_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    reference = librosa.filters.mel(sr=RATE_HZ, n_fft=800, n_mels=BANDS, fmin=55, fmax=7600, dtype=np.float64)
    assert np.abs(build_filters() - reference).max() < 1e-12


def test_a_real_clip_gives_the_columns_of_the_original(shared: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    oracle = shared / "data" / "ave_oracle"
    sound, rate = soundfile.read(oracle / "audio_16k.flac")
    assert rate == RATE_HZ
    reference = np.load(oracle / "mel_80.npz")["mel"].T
    mel = build_mel(sound)
    assert mel.shape == reference.shape
    difference = np.abs(mel - reference)
    assert float(difference.max()) <= 0.07
    assert float(difference.mean()) <= 1e-3


@pytest.mark.parametrize("piece", [1, 7, 199, 320, 401, 4096, 80_000])
def test_cutting_the_sound_changes_no_bit(piece: int) -> None:
    sound = build_noise(3000 if piece < 100 else 30_011)
    assert np.array_equal(stream_in_pieces(sound, piece), build_mel(sound))


@pytest.mark.parametrize("samples", [0, 1, 199, 200, 201, 16_000])
def test_there_is_a_column_for_every_hop_and_one_more(samples: int) -> None:
    mel = build_mel(build_noise(samples))
    assert mel.shape == (BANDS, 1 + samples // HOP)
    assert np.isfinite(mel).all()


def test_silence_is_the_floor_and_nothing_leaves_the_range() -> None:
    assert np.array_equal(build_mel(np.zeros(4000, np.float32)), np.full((BANDS, 21), SILENT, np.float32))
    loud = build_mel(np.sign(build_noise(16_000)))
    assert loud.min() >= SILENT
    assert loud.max() <= -SILENT


def test_a_column_is_heard_as_soon_as_its_right_context_is_in() -> None:
    stream = MelStream()
    assert stream.push(build_noise(399)).shape == (BANDS, 0)
    assert stream.push(build_noise(1)).shape == (BANDS, 1)
    assert stream.push(build_noise(HOP)).shape == (BANDS, 1)
