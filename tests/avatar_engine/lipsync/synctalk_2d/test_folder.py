"""An avatar folder is read without trusting it: incomplete, spoilt and hostile ones give a clear error."""

from __future__ import annotations

import json
import pickle
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatar_engine.errors import AvatarFolderError
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, AvatarInfo, check_avatar_name
from avatar_engine.lipsync.synctalk_2d.source_video import SourceWriter

WIDTH, HEIGHT, FRAMES = 64, 48, 60
INFO = AvatarInfo(
    name="mia",
    width=WIDTH,
    height=HEIGHT,
    frames=FRAMES,
    encoder="ave_footlight",
    net=None,
    prepared="2026-11-20T17:00:00+00:00",
    source_sha256="0" * 64,
)


def paint(number: int) -> np.ndarray:
    """A frame that tells its number by its colour, uint8[HEIGHT, WIDTH, 3]."""
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    frame[:] = 40 + 3 * number, 200 - 2 * number, 90
    return frame


def put_audio(path: Path, rate_hz: int = 16_000, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.arange(1000, dtype="<i2").tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> AvatarFolder:
    made = AvatarFolder(tmp_path / "mia")
    made.path.mkdir()
    with SourceWriter(made.source_path, WIDTH, HEIGHT) as writer:
        for number in range(FRAMES):
            writer.write(paint(number))
    put_audio(made.audio_path)
    np.save(made.landmarks_path, np.ones((FRAMES, 478, 2), np.float32))
    np.save(made.crops_path, np.tile(np.array([-4, 10, 36, 50], np.int32), (FRAMES, 1)))
    np.save(made.features_path("ave_footlight"), np.ones((FRAMES - 1, 512), np.float32))
    made.write_info(INFO)
    return made


def test_whole_folder_gives_what_was_put_in(folder: AvatarFolder) -> None:
    assert folder.read_info() == INFO
    assert folder.read_landmarks().shape == (FRAMES, 478, 2)
    assert folder.read_crops()[0].tolist() == [-4, 10, 36, 50]
    assert folder.read_features("ave_footlight").shape == (FRAMES - 1, 512)
    assert folder.read_audio().tolist() == list(range(1000))


def test_frames_come_back_in_order_and_in_their_colours(folder: AvatarFolder) -> None:
    frames = list(folder.iterate_frames())
    assert len(frames) == FRAMES
    for number, frame in enumerate(frames):
        assert np.abs(frame.astype(int) - paint(number)).max() <= 4


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (7, 8), (25, 27), (49, 60), (30, 30)])
def test_frames_from_the_middle_are_those_of_the_whole(folder: AvatarFolder, start: int, stop: int) -> None:
    whole = list(folder.iterate_frames())
    part = list(folder.iterate_frames(start, stop))
    assert len(part) == stop - start
    assert all((a == b).all() for a, b in zip(part, whole[start:stop], strict=True))


def test_folder_is_complete_with_its_info(tmp_path: Path) -> None:
    folder = AvatarFolder(tmp_path / "mia")
    assert not folder.is_complete
    with pytest.raises(AvatarFolderError, match="not finished"):
        folder.read_info()
    folder.path.mkdir()
    folder.write_info(INFO)
    assert folder.is_complete
    assert [path.name for path in folder.path.iterdir()] == ["avatar.json"]


def test_network_is_kept_as_json(folder: AvatarFolder) -> None:
    net = {"inner": 160, "widths": [16, 32, 48, 96, 192], "audio": "ave"}
    folder.write_info(replace(INFO, net=net))
    assert folder.read_info().net == net


def change_info(folder: AvatarFolder, **changes: Any) -> None:
    body = json.loads(folder.info_path.read_text())
    body.update(changes)
    folder.info_path.write_text(json.dumps(body))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"format": 2}, "format"),
        ({"family": "drawn"}, "family"),
        ({"fps": 30}, "30"),
        ({"frames": 0}, "frames"),
        ({"frames": 10**9}, "frames"),
        ({"frames": "60"}, "whole"),
        ({"width": True}, "whole"),
        ({"width": 100_000}, "100000"),
        ({"encoder": "../../weights"}, "encoder"),
        ({"net": [1]}, "net"),
        ({"prepared": None}, "prepared"),
    ],
)
def test_impossible_info_is_refused(folder: AvatarFolder, changes: dict[str, Any], word: str) -> None:
    change_info(folder, **changes)
    with pytest.raises(AvatarFolderError, match=word):
        folder.read_info()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', "[" * 100_000, "\x00\xff"])
def test_spoilt_info_is_refused(folder: AvatarFolder, text: str) -> None:
    folder.info_path.write_text(text, encoding="latin-1")
    with pytest.raises(AvatarFolderError, match=r"avatar\.json"):
        folder.read_info()


@pytest.mark.parametrize(
    "array",
    [
        np.ones((FRAMES - 1, 478, 2), np.float32),
        np.ones((FRAMES, 477, 2), np.float32),
        np.ones((FRAMES, 478, 2), np.float64),
        np.full((FRAMES, 478, 2), np.nan, np.float32),
        np.float32(1),
    ],
)
def test_landmarks_that_do_not_fit_are_refused(folder: AvatarFolder, array: Any) -> None:
    np.save(folder.landmarks_path, array)
    with pytest.raises(AvatarFolderError, match=r"landmarks\.npy"):
        folder.read_landmarks()


@pytest.mark.parametrize(
    "square", [[0, 0, 10, 11], [10, 10, 10, 10], [20, 0, 10, 10], [0, 0, 20_000, 20_000], [10**9, 0, 10**9 + 9, 9]]
)
def test_crops_that_are_no_squares_are_refused(folder: AvatarFolder, square: list[int]) -> None:
    np.save(folder.crops_path, np.tile(np.array(square, np.int32), (FRAMES, 1)))
    with pytest.raises(AvatarFolderError, match=r"crops\.npy"):
        folder.read_crops()


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('a pickle was run')",)


def test_array_that_carries_code_is_refused(folder: AvatarFolder) -> None:
    np.save(folder.crops_path, np.array([Bomb()], object), allow_pickle=True)
    with pytest.raises(AvatarFolderError, match=r"crops\.npy"):
        folder.read_crops()
    folder.crops_path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(AvatarFolderError, match=r"crops\.npy"):
        folder.read_crops()


def test_array_that_claims_more_than_its_file_holds_is_refused(folder: AvatarFolder) -> None:
    content = folder.landmarks_path.read_bytes()
    header = content[:128].replace(b"(60, 478, 2)", b"(9999999, 478, 2)").replace(b"     \n", b"\n")
    folder.landmarks_path.write_bytes(header.ljust(128) + content[128:])
    with pytest.raises(AvatarFolderError, match=r"landmarks\.npy"):
        folder.read_landmarks()


def test_flipped_bytes_never_give_another_error(folder: AvatarFolder) -> None:
    random = np.random.default_rng(7)
    for path in (folder.crops_path, folder.info_path, folder.audio_path):
        content = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            spoilt = content.copy()
            spoilt[random.integers(0, min(160, spoilt.size), 3)] = random.integers(0, 256, 3)
            path.write_bytes(spoilt[: random.integers(1, spoilt.size + 1)].tobytes())
            for read in (folder.read_crops, folder.read_info, folder.read_audio):
                try:
                    read()
                except AvatarFolderError:
                    pass
        path.write_bytes(content.tobytes())


def test_sound_of_another_kind_is_refused(folder: AvatarFolder) -> None:
    put_audio(folder.audio_path, rate_hz=48_000)
    with pytest.raises(AvatarFolderError, match="16 kHz"):
        folder.read_audio()
    folder.audio_path.unlink()
    with pytest.raises(AvatarFolderError, match="no sound"):
        folder.read_audio()


def test_video_that_breaks_off_is_said(folder: AvatarFolder) -> None:
    change_info(folder, frames=FRAMES + 5)
    with pytest.raises(AvatarFolderError, match="breaks off at frame 60"):
        list(folder.iterate_frames())


def test_video_of_another_size_is_said(folder: AvatarFolder) -> None:
    change_info(folder, width=WIDTH + 2)
    with pytest.raises(AvatarFolderError, match="66x48"):
        list(folder.iterate_frames())


def test_video_that_is_none_is_said(folder: AvatarFolder) -> None:
    folder.source_path.write_bytes(b"\x00" * 5000)
    with pytest.raises(AvatarFolderError, match=r"source\.mp4"):
        list(folder.iterate_frames())


@pytest.mark.parametrize("name", ["mia", "a", "0-mia_2", "x" * 64])
def test_good_names(name: str) -> None:
    assert check_avatar_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "../mia", "Mia", "-mia", "mia/x", "mia\n", "x" * 65, "米拉"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(AvatarFolderError):
        check_avatar_name(name)


def write_video(path: Path) -> None:
    with SourceWriter(path, WIDTH, HEIGHT) as writer:
        writer.write(paint(0))


def test_video_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(AvatarFolderError, match=r"source\.mp4 cannot be written"):
        write_video(tmp_path / "none" / "source.mp4")
