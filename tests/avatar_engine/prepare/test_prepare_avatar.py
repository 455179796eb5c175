"""From a real speaker's video to a folder that the stage and the training can read."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatar_engine.errors import PreparationError, WeightsError
from avatar_engine.face.points import find_crop_points, measure_lips
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, read_json
from avatar_engine.prepare.avatar import STEPS, Progress
from avatar_engine.prepare.reasons import SourceRefused
from avatar_engine.prepare.work import hold_work
from avatar_engine.types import Int16, UInt8
from tests.avatar_engine.prepare.conftest import NOON, Bench, write_video
from tests.rules.source import ROOT

GREY = (90, 90, 90)


def refuse(bench: Bench, source: Path, *, silent_ok: bool = False) -> dict[str, dict[str, object]]:
    """The reasons of a refusal by their codes; nothing may be left behind."""
    with pytest.raises(SourceRefused) as caught:
        bench.prepare(source, silent_ok=silent_ok)
    assert bench.list_left() == []
    assert all(reason.refuses for reason in caught.value.reasons)
    return {reason.code: dict(reason.values) for reason in caught.value.reasons}


def test_speaker_becomes_an_avatar(bench: Bench, speaker_path: Path) -> None:
    report = bench.prepare(speaker_path)
    avatar = AvatarFolder(bench.avatars / "mia")
    info = avatar.read_info()
    assert (info.name, info.width, info.height, info.frames) == ("mia", 360, 288, 75)
    assert (info.net, info.prepared) == (None, NOON.isoformat())
    landmarks, crops, pcm = avatar.read_landmarks(), avatar.read_crops(), avatar.read_audio()
    assert pcm.size == 75 * 640
    assert sum(1 for _ in avatar.iterate_frames()) == 75
    points = find_crop_points(landmarks)
    assert np.abs(crops[:, 0] - points[:, 0, 0]).max() < 4
    assert np.abs(crops[:, 1] - points[:, 1, 1]).max() < 4
    lips = measure_lips(landmarks)
    assert np.ptp(lips.inner_opening / lips.face) > 0.1
    assert report.figures["face_share"] == 1
    assert {reason.code for reason in report.reasons} == {"small_face", "little_speech"}
    assert read_json(avatar.report_path) == report.to_json()
    left = [path.name for path in avatar.path.iterdir() if not path.name.startswith("features_")]
    assert sorted(left) == ["audio.wav", "avatar.json", "crops.npy", "landmarks.npy", "report.json", "source.mp4"]


def test_progress_goes_up_through_all_steps_and_a_second_call_does_nothing(bench: Bench, speaker_path: Path) -> None:
    first = bench.prepare(speaker_path)
    percents = [progress.percent for progress in bench.said]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert {progress.step for progress in bench.said} == set(STEPS)
    bench.said.clear()
    assert bench.prepare(speaker_path) == first
    assert [progress.step for progress in bench.said] == ["look", "done"]


def test_name_of_another_avatar_is_not_taken(bench: Bench, speaker_path: Path, shared: Path) -> None:
    bench.prepare(speaker_path)
    before = bench.list_left()
    with pytest.raises(PreparationError, match="another video"):
        bench.prepare(shared / "data" / "grid_unseen_speakers" / "s26_bgbsza.mpg")
    assert bench.list_left() == before


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from avatar_engine.prepare import scan
from avatar_engine.prepare.avatar import STEPS, Order, prepare_avatar
scan.BLOCK_FRAMES = 20
source, avatars, weights, at = sys.argv[1:]
def tell(progress):
    if progress.percent >= int(at):
        os.kill(os.getpid(), signal.SIGKILL)
order = Order(Path(source), "mia", Path(avatars), Path(weights))
prepare_avatar(order, tell, lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
"""


def run_until_killed(bench: Bench, source: Path, percent: int) -> None:
    command = [
        sys.executable,
        "-c",
        KILLED,
        str(source),
        str(bench.avatars),
        str(bench.folder / "weights"),
        str(percent),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_killed_run_goes_on_where_it_was_and_gives_the_same(
    bench: Bench, speaker_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar_engine.prepare.scan.BLOCK_FRAMES", 20)
    bench.prepare(speaker_path, "straight")
    straight = AvatarFolder(bench.avatars / "straight")
    for percent in (20, 75):  # in the picture, in the faces
        run_until_killed(bench, speaker_path, percent)
        assert not AvatarFolder(bench.avatars / "mia").is_complete
    bench.said.clear()
    bench.prepare(speaker_path)
    resumed = AvatarFolder(bench.avatars / "mia")
    assert (resumed.read_landmarks() == straight.read_landmarks()).all()
    assert (resumed.read_crops() == straight.read_crops()).all()
    assert (resumed.read_audio() == straight.read_audio()).all()
    assert read_json(resumed.report_path) == read_json(straight.report_path)
    assert not (resumed.path / "work").exists()
    assert "picture" not in {progress.step for progress in bench.said}
    faces = [progress.percent for progress in bench.said if progress.step == "faces"]
    assert min(faces) > 60  # what was seen before the kill is not looked at again


def test_spoilt_step_files_are_made_again(bench: Bench, speaker_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatar_engine.prepare.scan.BLOCK_FRAMES", 20)
    run_until_killed(bench, speaker_path, 80)
    blocks = sorted((bench.avatars / "mia" / "work" / "scan").glob("*.npz"))
    assert len(blocks) >= 2
    blocks[0].write_bytes(blocks[0].read_bytes()[:500])
    bench.prepare(speaker_path)
    assert AvatarFolder(bench.avatars / "mia").read_landmarks().shape == (75, 478, 2)


def test_one_avatar_is_prepared_once_at_a_time(bench: Bench, speaker_path: Path) -> None:
    with hold_work(AvatarFolder(bench.avatars / "mia")):
        with pytest.raises(PreparationError, match="another process"):
            bench.prepare(speaker_path)
    assert bench.prepare(speaker_path).figures["frames"] == 75


def test_missing_network_is_named(bench: Bench, speaker_path: Path) -> None:
    (bench.folder / "weights" / "face_landmarker.task").unlink()
    with pytest.raises(WeightsError, match="weights face-landmarker"):
        bench.prepare(speaker_path)
    assert not bench.avatars.exists()


def test_video_without_sound_is_refused_unless_it_may_be_silent(
    bench: Bench, speaker_frames: list[UInt8], tmp_path: Path
) -> None:
    silent = write_video(tmp_path / "silent.mp4", speaker_frames)
    assert set(refuse(bench, silent)) == {"no_sound"}
    report = bench.prepare(silent, silent_ok=True)
    assert "no_training" in {reason.code for reason in report.reasons}
    assert not AvatarFolder(bench.avatars / "mia").audio_path.exists()


def test_silence_is_refused_with_what_was_heard(bench: Bench, speaker_frames: list[UInt8], tmp_path: Path) -> None:
    quiet = write_video(tmp_path / "quiet.mp4", speaker_frames, np.zeros(3 * 48_000, np.int16))
    assert refuse(bench, quiet)["silent"]["percent"] == 0
    assert "no_training" in {reason.code for reason in bench.prepare(quiet, silent_ok=True).reasons}


def test_picture_without_a_face_is_refused_early(bench: Bench, speaker_pcm: Int16, tmp_path: Path) -> None:
    wall = [np.full((288, 360, 3), 120 + number % 3, np.uint8) for number in range(75)]
    found = refuse(bench, write_video(tmp_path / "wall.mp4", wall, speaker_pcm))
    assert found["no_face"]["percent"] == 0
    assert "faces" not in {progress.step for progress in bench.said}


def test_all_reasons_are_said_at_once(
    bench: Bench, speaker_frames: list[UInt8], speaker_pcm: Int16, tmp_path: Path
) -> None:
    blurred = [cv2.GaussianBlur(frame, (0, 0), 5) for frame in speaker_frames]
    small = [np.pad(cv2.resize(f, (240, 192)), ((0, 96), (0, 120), (0, 0)), constant_values=90) for f in blurred]
    loud = np.clip(speaker_pcm.astype(np.int32) * 60, -32_768, 32_767).astype(np.int16)
    found = refuse(bench, write_video(tmp_path / "bad.mp4", small, loud))
    assert {"clipped", "blurred", "small_face"} <= set(found)


def test_second_face_is_refused(bench: Bench, speaker_frames: list[UInt8], speaker_pcm: Int16, tmp_path: Path) -> None:
    pair = [np.concatenate([frame, frame[:, ::-1]], axis=1) for frame in speaker_frames]
    assert refuse(bench, write_video(tmp_path / "pair.mp4", pair, speaker_pcm))["two_faces"]["percent"] == 100


def test_face_that_goes_away_and_cuts_are_refused(
    bench: Bench, speaker_frames: list[UInt8], speaker_pcm: Int16, tmp_path: Path
) -> None:
    gone = [frame if number < 50 else np.full_like(frame, 230) for number, frame in enumerate(speaker_frames)]
    found = refuse(bench, write_video(tmp_path / "gone.mp4", gone, speaker_pcm))
    assert found["no_face"]["percent"] == pytest.approx(66.7, abs=3)
    assert found["cuts"]["count"] == 1


def test_full_disk_is_said_and_the_next_run_goes_on(
    bench: Bench, speaker_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("avatar_engine.prepare.avatar.write_array", refuse_write)
        with pytest.raises(PreparationError, match="No space left"):
            bench.prepare(speaker_path)
    with monkeypatch.context() as patch:
        patch.setattr("avatar_engine.prepare.avatar.free_disk", lambda _: 1)
        with pytest.raises(PreparationError, match="nearly full"):
            bench.prepare(speaker_path)
    bench.said.clear()
    bench.prepare(speaker_path)
    assert "picture" not in {progress.step for progress in bench.said}


def test_progress_of_an_unknown_length_stays_within_its_step(bench: Bench, speaker_path: Path) -> None:
    said: list[Progress] = []
    bench.prepare(speaker_path, tell=said.append)
    for progress in said:
        start, end = STEPS[progress.step]
        assert start <= progress.percent <= end
