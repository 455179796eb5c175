"""`manage.py infer_avatar`: sound in, MP4 out, or a line that says why not."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from django.core.management import CommandError, call_command

from tests.support.tiny_avatar import HEIGHT, WIDTH, build_tiny_avatar


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    build_tiny_avatar(folder / "avatars" / "tiny")
    build_tiny_avatar(folder / "avatars" / "untrained", spec=None)
    return folder


@pytest.fixture
def command(data: Path, settings: Any) -> Callable[..., str]:
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=data)

    def run(**options: object) -> str:
        told = io.StringIO()
        call_command("infer_avatar", stdout=told, stderr=io.StringIO(), **options)
        return told.getvalue()

    return run


def write_speech(path: Path, seconds: float = 1.0, rate_hz: int = 22_050) -> Path:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    stereo = np.stack([0.4 * np.sin(2 * np.pi * 170 * t), 0.2 * np.sin(2 * np.pi * 170 * t)], axis=1)
    soundfile.write(path, stereo, rate_hz)
    return path


def test_a_recording_becomes_a_video_with_its_sound(command, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    told = command(name="tiny", audio=write_speech(tmp_path / "a.wav"), out=out)
    assert told.strip() == str(out)
    with av.open(str(out)) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(pictures) == 25
    assert pictures[0].shape == (HEIGHT, WIDTH, 3)
    with av.open(str(out)) as file:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in file.decode(audio=0)])
    assert len(sound) / 48_000 == pytest.approx(1.0, abs=0.06)
    assert np.quantile(np.abs(sound), 0.95) == pytest.approx(0.3, abs=0.03)
    lower, upper = (slice(70, 120), slice(0, 30))
    assert np.abs(pictures[10][lower].astype(int) - pictures[0][lower])[:, 40:150].max() > 30
    assert np.abs(pictures[10][upper].astype(int) - pictures[0][upper]).mean() < 6


def test_the_size_may_be_chosen(command, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    command(name="tiny", audio=write_speech(tmp_path / "a.wav", 0.2), out=out, size="257x301")
    with av.open(str(out)) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (256, 300)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "tiny", "audio": "none.wav"}, r"none\.wav"),
        ({"name": "tiny", "audio": "text.wav"}, r"text\.wav cannot be read as sound"),
        ({"name": "nobody"}, "nobody: there is no avatar.json"),
        ({"name": "untrained"}, "train_avatar"),
        ({"name": "../tiny"}, "small letters"),
        ({"name": "tiny", "size": "large"}, "write it as 1280x720"),
        ({"name": "tiny", "size": "20x20"}, "sides must be"),
    ],
)
def test_what_is_wrong_is_one_line(command, tmp_path: Path, options: dict[str, str], message: str) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    write_speech(tmp_path / "a.wav", 0.1)
    audio = tmp_path / options.get("audio", "a.wav")
    with pytest.raises(CommandError, match=message):
        command(**{**options, "audio": audio, "out": tmp_path / "out.mp4"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "text.wav"]
