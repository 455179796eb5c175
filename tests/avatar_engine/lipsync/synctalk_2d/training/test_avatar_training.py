"""From a prepared avatar to one that speaks on the stage, and the command that does it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from avatar_engine import training_desk
from avatar_engine.errors import AvatarFolderError, TrainingError
from avatar_engine.lipsync.synctalk_2d.crop import cut_crop, take_inner
from avatar_engine.lipsync.synctalk_2d.engine import SyncTalk2DEngine
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.lipsync.synctalk_2d.training.avatar_training import AvatarTraining
from avatar_engine.lipsync.synctalk_2d.training.journal import Journal, hold_training, read_log, read_state
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.video_set import OUTER_LIPS, find_mouths, open_video_set
from tests.avatar_engine.lipsync.synctalk_2d.training.training_kit import build_options
from tests.support.tiny_avatar import FRAMES, TINY, build_tiny_avatar


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path: Path, settings) -> AvatarFolder:  # type: ignore[no-untyped-def]
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    return build_tiny_avatar(tmp_path / "avatars" / "tiny", spec=None, talks=True)


def train(folder: AvatarFolder, steps: int | None = None) -> str:
    options = build_options(net=TINY, steps=8, validate_every=4)
    limits = Limits(folder.train_path, steps=steps)
    return AvatarTraining(folder, folder.path.parent).run(options, limits, "cpu")


def test_trained_avatar_is_taken_by_the_stage(folder: AvatarFolder) -> None:
    assert train(folder, steps=5) == "paused"
    assert folder.read_info().net is None  # half a training changes nothing on air
    assert train(folder) == "finished"
    assert folder.read_info().net == TINY.to_json()
    engine = SyncTalk2DEngine.load(folder.path, "cpu")
    assert engine.capabilities.fps == 25
    assert (read_state(folder.train_path) or {})["state"] == "done"


def test_stopped_training_leaves_its_best_network_in_use(folder: AvatarFolder) -> None:
    train(folder, steps=5)
    stop = folder.train_path / "stop"
    limits = Limits(folder.train_path)
    limits.count_step = stop.touch  # type: ignore[method-assign]  # pressed while the next step runs
    options = build_options(net=TINY, steps=8, validate_every=4)
    assert AvatarTraining(folder, folder.path).run(options, limits, "cpu") == "stopped"
    assert folder.read_info().net == TINY.to_json()
    assert training_desk.read_status(folder.path).view == "stopped"
    assert [line["step"] for line in read_log(folder.train_path)][-1] == 6


def test_training_goes_on_with_the_options_that_it_began_with(folder: AvatarFolder) -> None:
    train(folder, steps=2)
    other = build_options(net=TINY, steps=99)
    AvatarTraining(folder, folder.path).run(other, Limits(folder.train_path, steps=1), "cpu")
    assert (read_state(folder.train_path) or {})["steps"] == 8


def test_pictures_are_those_of_the_crops_in_bgr(folder: AvatarFolder) -> None:
    data = open_video_set(folder, folder.read_features("ave_footlight"), TINY, gap=5)
    crops = folder.read_crops()
    for number, frame in enumerate(folder.iterate_frames(0, 3)):
        wanted = take_inner(cut_crop(frame, crops[number], TINY, training=True))[..., ::-1]
        assert np.array_equal(data.targets(np.array([number], np.int32))[0], wanted)


def test_pictures_are_cut_once_and_anew_when_the_crops_change(folder: AvatarFolder) -> None:
    told: list[int] = []
    rows = folder.read_features("ave_footlight")
    for _ in range(2):
        open_video_set(folder, rows, TINY, 5, lambda done, total: told.append(done))
    assert told == list(range(1, FRAMES + 1))
    crops = folder.read_crops()
    np.save(folder.crops_path, crops + np.array([1, 0, 1, 0], np.int32))
    open_video_set(folder, rows, TINY, 5, lambda done, total: told.append(done))
    assert len(told) == 2 * FRAMES


def test_box_around_the_mouth_is_where_the_lips_are() -> None:
    landmarks = np.zeros((1, 478, 2), np.float32)
    angle = np.linspace(0, 2 * np.pi, len(OUTER_LIPS), endpoint=False)
    landmarks[0, list(OUTER_LIPS)] = np.stack([144 + 20 * np.cos(angle), 144 + 10 * np.sin(angle)], axis=1)
    square = np.array([[100, 100, 188, 188]], np.int32)  # 88 px: a crop of the same size
    x0, y0, x1, y1 = find_mouths(landmarks, square, TINY)[0]
    assert (x0, x1) == (144 - 20 - 14 - 100 - 4, 144 + 20 + 14 - 100 - 4)
    assert (y0, y1) == (144 - 10 - 14 - 100 - 4, 144 + 10 + 14 - 100 - 4)


def test_sound_that_preparation_left_out_is_heard_now(folder: AvatarFolder) -> None:
    pytest.importorskip("onnxruntime")
    folder.features_path("ave_footlight").unlink()
    assert train(folder, steps=1) == "paused"
    assert len(folder.read_features("ave_footlight")) == FRAMES - 1


def test_avatar_without_sound_is_refused_and_the_reason_kept(folder: AvatarFolder) -> None:
    folder.features_path("ave_footlight").unlink()
    folder.audio_path.unlink()
    with pytest.raises(TrainingError, match="there is no sound: a network learns from a voice"):
        train(folder)
    status = training_desk.read_status(folder.path)
    assert status.view == "failed"
    assert "there is no sound" in status.error


def test_unfinished_folder_is_refused(folder: AvatarFolder) -> None:
    folder.info_path.unlink()
    with pytest.raises(AvatarFolderError, match="its preparation is not finished"):
        train(folder)


def test_second_process_is_refused_and_changes_nothing(folder: AvatarFolder) -> None:
    Journal(folder.train_path).say("unet", step=3, steps=8)
    with (
        hold_training(folder.train_path),
        pytest.raises(TrainingError, match="another process is training this avatar already"),
    ):
        train(folder)
    assert (read_state(folder.train_path) or {})["state"] == "unet"


def command(*args: str) -> str:
    out = StringIO()
    call_command("train_avatar", *args, stdout=out)
    return out.getvalue()


def test_command_trains_in_slices_and_says_how_far_it_is(folder: AvatarFolder) -> None:
    before = signal.getsignal(signal.SIGTERM)
    small = ("--batch", "2", "--threads", "1", "--device", "cpu")
    assert "tiny: paused at step 1 of 60000" in command("tiny", "--net", "narrow", *small, "--run-steps", "1")
    assert "tiny: paused at step 2 of 60000" in command("tiny", *small, "--run-steps", "1")
    assert "tiny: paused at step 2 of 60000" in command("tiny", "--minutes", "0")
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(CommandError, match="begun with another net; go on without it, or add --fresh"):
        command("tiny", "--net", "328")
    with pytest.raises(CommandError, match="begun with another sync"):
        command("tiny", "--sync")
    assert "at step 0 of 30" in command("tiny", "--fresh", "--net", "narrow", "--steps", "30", "--minutes", "0")
    assert json.loads((folder.train_path / "options.json").read_text())["batch"] == 8


def test_command_takes_the_net_of_the_wish_and_drops_it_when_it_failed(folder: AvatarFolder) -> None:
    training_desk.ask_training(folder.path, "narrow")
    command("tiny", "--wished", "--minutes", "0", "--device", "cpu")
    assert json.loads((folder.train_path / "options.json").read_text())["net"]["widths"][0] == 16
    assert training_desk.read_status(folder.path).view == "asked"  # paused: it is to go on
    (folder.train_path / "options.json").write_text("{}")
    with pytest.raises(CommandError, match="not what Footlight wrote"):
        command("tiny", "--wished", "--minutes", "0", "--device", "cpu")
    assert training_desk.read_status(folder.path).view == "failed"


def test_wish_taken_back_before_the_process_was_up_trains_nothing(folder: AvatarFolder) -> None:
    training_desk.ask_training(folder.path, "narrow")
    training_desk.stop_training(folder.path)
    assert "nobody wants this training any more" in command("tiny", "--wished", "--device", "cpu")
    assert not (folder.train_path / "options.json").exists()


def test_signal_ends_the_run_with_a_checkpoint(folder: AvatarFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "count_step", lambda self: os.kill(os.getpid(), signal.SIGTERM))
    out = command("tiny", "--net", "narrow", "--batch", "2", "--threads", "1", "--device", "cpu")
    assert "tiny: paused at step 1" in out
    assert (folder.train_path / "unet.checkpoint").exists()


@pytest.mark.parametrize("name", ["nobody", "../tiny", "Tiny"])
def test_command_refuses_what_is_no_avatar(folder: AvatarFolder, name: str) -> None:
    with pytest.raises(CommandError):
        command(name)


def test_command_says_that_there_is_no_gpu(folder: AvatarFolder) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(CommandError, match="no GPU that torch can use here; choose --device cpu"):
        command("tiny", "--device", "cuda")


def test_sample_sheet_shows_four_columns(folder: AvatarFolder) -> None:
    train(folder)
    sheet = cv2.imread(str(sorted((folder.train_path / "samples").glob("*.jpg"))[-1]))
    assert sheet.shape == (4 * 84 - 4, 4 * 84 - 4, 3)
    hidden = sheet[10:60, 84 + 10 : 84 + 70]
    assert hidden.max() < 30
