"""Sound files of every kind become the sound that presenters speak with, or a reason why not."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from avatar_engine.clips.sound import read_sound
from avatar_engine.clips.speech import HANGOVER_FRAMES, cut_frames, find_speech
from avatar_engine.errors import ClipError
from avatar_engine.types import Float32, Int16

RATES_HZ = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]


def build_tone(rate_hz: int, seconds: float, hz: float = 440.0, peak: float = 0.5) -> Float32:
    return (peak * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)).astype(np.float32)


def write_wav(path: Path, samples: Float32, rate_hz: int, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    return path


def measure_pitch(pcm: Int16) -> float:
    spectrum = np.abs(np.fft.rfft(pcm[4800:-4800].astype(np.float64) * np.hanning(len(pcm) - 9600)))
    return float(np.argmax(spectrum) * 48_000 / (len(pcm) - 9600))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_number_of_channels_comes_out_at_its_pitch_and_length(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    tone = np.repeat(build_tone(rate_hz, 1.0)[:, None], channels, axis=1)
    pcm = read_sound(write_wav(tmp_path / "a.wav", tone, rate_hz))
    assert (pcm.dtype, pcm.ndim) == (np.int16, 1)
    assert abs(len(pcm) - 48_000) <= 2
    assert measure_pitch(pcm) == pytest.approx(440, abs=2)
    assert np.abs(pcm[4800:-4800]).max() / 32767 == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_any_kind_of_sample_is_read(tmp_path: Path, subtype: str) -> None:
    pcm = read_sound(write_wav(tmp_path / "a.wav", build_tone(16_000, 0.5), 16_000, subtype))
    assert np.abs(pcm).max() / 32767 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.mp3"])
def test_packed_sound_is_read(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, build_tone(44_100, 1.0), 44_100)
    pcm = read_sound(tmp_path / name)
    assert len(pcm) == pytest.approx(48_000, abs=4_000)
    assert measure_pitch(pcm) == pytest.approx(440, abs=2)


def test_what_is_no_number_is_silent_and_what_is_too_loud_is_clipped(tmp_path: Path) -> None:
    samples = build_tone(48_000, 1.0)
    samples[10_000:10_100] = np.nan
    samples[20_000:20_100] = np.inf
    samples[30_000:30_100] = 5.0
    pcm = read_sound(write_wav(tmp_path / "a.wav", samples, 48_000, "FLOAT"))
    assert len(pcm) == 48_000
    assert not pcm[10_020:10_080].any()
    assert not pcm[20_020:20_080].any()
    assert (pcm[30_020:30_080] == 32767).all()


@pytest.mark.parametrize("samples", [1, 2, 15, 480])
def test_a_moment_of_sound_is_read(tmp_path: Path, samples: int) -> None:
    pcm = read_sound(write_wav(tmp_path / "a.wav", np.full(samples, 0.5, np.float32), 16_000))
    assert len(pcm) == 3 * samples


def test_an_open_file_is_read_as_well() -> None:
    memory = io.BytesIO()
    soundfile.write(memory, build_tone(16_000, 0.5), 16_000, format="WAV")
    memory.seek(0)
    assert len(read_sound(memory)) == 24_000


def test_too_long_a_sound_is_refused_before_it_is_held(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"a\.wav lasts over 2 s"):
        read_sound(write_wav(tmp_path / "a.wav", np.zeros(16_000 * 3, np.float32), 16_000), most_s=2)


def write_empty_wav(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)


def write_silent_video(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        file.mux(stream.encode(None))


BROKEN = {
    "0 bytes": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("this is no sound" * 200),
    "a header alone": lambda path: path.write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt "),
    "no samples": write_empty_wav,
    "a video without sound": write_silent_video,
    "a folder": lambda path: path.mkdir(),
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_sound_says_so_and_names_the_file(tmp_path: Path, make) -> None:
    path = tmp_path / "speech.wav"
    make(path)
    with pytest.raises(ClipError, match=r"speech\.wav"):
        read_sound(path)


def test_damaged_files_give_sound_or_a_reason_and_nothing_else(tmp_path: Path) -> None:
    write_wav(tmp_path / "whole.wav", build_tone(16_000, 0.5), 16_000)
    soundfile.write(tmp_path / "whole.flac", build_tone(16_000, 0.5), 16_000)
    rng = np.random.default_rng(4)
    for name in ("whole.wav", "whole.flac"):
        whole = (tmp_path / name).read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            for place in rng.integers(0, len(whole) if rng.random() < 0.5 else 60, 6):
                damaged[place] = rng.integers(0, 256)
            path = tmp_path / "damaged.bin"
            path.write_bytes(bytes(damaged[: rng.integers(1, len(whole) + 1)]))
            try:
                pcm = read_sound(path)
            except ClipError:
                continue
            assert pcm.dtype == np.int16
            assert len(pcm) >= 1


def test_speech_is_where_sound_is_with_a_little_around_it() -> None:
    pcm = np.zeros(1920 * 60, np.int16)
    pcm[1920 * 20 : 1920 * 30] = 8000
    flags = find_speech(pcm)
    assert np.flatnonzero(flags).tolist() == list(range(20 - HANGOVER_FRAMES, 30 + HANGOVER_FRAMES))
    assert not find_speech(np.zeros(5000, np.int16)).any()
    assert find_speech(np.full(2000, 9000, np.int16)).tolist() == [True, True]
    assert len(find_speech(np.zeros(0, np.int16))) == 0


def test_short_pauses_are_part_of_the_speech() -> None:
    pcm = np.zeros(1920 * 60, np.int16)
    pcm[1920 * 10 : 1920 * 20] = pcm[1920 * 29 : 1920 * 40] = 8000
    assert find_speech(pcm)[10:40].all()


def test_frames_hold_all_samples() -> None:
    pcm = np.arange(5000, dtype=np.int16)
    frames = cut_frames(pcm)
    assert frames.shape == (3, 1920)
    assert np.array_equal(frames.ravel()[:5000], pcm)
    assert not frames.ravel()[5000:].any()
    assert cut_frames(np.zeros(0, np.int16)).shape == (0, 1920)
