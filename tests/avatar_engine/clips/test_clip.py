"""Clips have the pictures of the stage, in step with their sound, in a file that players take."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from avatar_engine.clips.clip import render_clip
from avatar_engine.clips.mp4 import Mp4Writer
from avatar_engine.clips.speech import find_speech
from avatar_engine.errors import ClipError
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.registry import load_engine_class
from avatar_engine.types import Int16, UInt8
from tests.fakes.engine import FakeEngine

SIDE = 128


def build_sound(frames: float) -> Int16:
    """Silence, then a voice, then silence."""
    t = np.arange(round(frames * 1920)) / 48_000
    voice = 9000 * np.sin(2 * np.pi * 160 * t) * (np.sin(2 * np.pi * 1.7 * t) > -0.5)
    voice[: 1920 * 12] = 0
    voice[1920 * 40 :] = 0
    return np.round(voice).astype(np.int16)


def render(pcm: Int16, family: str = "fake") -> list[UInt8]:
    engine = FakeEngine() if family == "fake" else load_engine_class(family).load(None, "cpu")
    extractor = load_extractor(engine.capabilities.features)
    return list(render_clip(engine, extractor, engine.open(1, SIDE, SIDE), pcm))


@pytest.mark.parametrize("family", ["fake", "drawn"])
def test_there_is_a_picture_for_every_40_ms_begun(family: str) -> None:
    for samples in (0, 1, 1920, 1921, 1920 * 7 + 5):
        pictures = render(np.full(samples, 3000, np.int16), family)
        assert len(pictures) == -(-samples // 1920)
        assert all((picture.shape, picture.dtype) == ((SIDE, SIDE, 3), np.uint8) for picture in pictures)


def test_the_mouth_moves_where_somebody_speaks_and_nowhere_else() -> None:
    pcm = build_sound(60)
    speaking = find_speech(pcm)
    drawn = [picture[SIDE // 2, SIDE // 2].max() >= 100 for picture in render(pcm)]
    assert drawn == speaking.tolist()
    assert 0 < sum(drawn) < 60


def test_long_sound_is_fed_in_steps_and_gives_the_pictures_of_the_whole() -> None:
    pcm = build_sound(80)
    assert np.array_equal(render(pcm)[:60], render(pcm[: 1920 * 60])[:60])


def test_the_file_has_every_frame_and_the_sound_in_step(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with Mp4Writer(path, 64, 48) as video:
        for number in range(50):
            loud = number == 25
            video.write(np.full((48, 64, 3), 255 * loud, np.uint8), np.full(1920, 20000 * loud, np.int16))
    assert [item.name for item in tmp_path.iterdir()] == ["clip.mp4"]
    with av.open(str(path)) as file:
        assert (file.streams.video[0].codec_context.name, file.streams.audio[0].codec_context.name) == ("h264", "aac")
        pictures = [(float(frame.time), frame.to_ndarray(format="gray").mean()) for frame in file.decode(video=0)]
    with av.open(str(path)) as file:
        sounds = [(float(frame.time), np.abs(frame.to_ndarray()).max(axis=0)) for frame in file.decode(audio=0)]
    assert len(pictures) == 50
    assert [time for time, level in pictures if level > 128] == [pytest.approx(1.0)]
    heard = np.concatenate([np.stack([time + np.arange(len(s)) / 48_000, s], axis=1) for time, s in sounds])
    loud = heard[heard[:, 1] > 0.3, 0]
    assert loud.min() == pytest.approx(1.0, abs=0.03)
    assert loud.max() == pytest.approx(1.04, abs=0.03)
    assert heard[-1, 0] == pytest.approx(2.0, abs=0.05)


def write_black(path: Path, frames: int = 1) -> None:
    with Mp4Writer(path, 64, 48) as video:
        for _ in range(frames):
            video.write(np.zeros((48, 64, 3), np.uint8), np.zeros(1920, np.int16))
        video.write(np.zeros((1, 1, 3), np.uint8), np.zeros(1920, np.int16))


def test_nothing_is_left_of_a_file_that_was_not_finished(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"clip\.mp4 cannot be written"):
        write_black(tmp_path / "clip.mp4")
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"clip\.mp4 cannot be written"):
        write_black(tmp_path / "no" / "folder" / "clip.mp4", 60)
