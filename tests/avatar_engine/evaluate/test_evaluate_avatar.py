"""The whole evaluation, on an avatar whose network knows nothing: every figure is there, and the gate stays shut."""

from __future__ import annotations

import dataclasses
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from avatar_engine.air_gate import read_air_gate
from avatar_engine.evaluate.gate import TRUTH_MARKS, TRUTH_VIDEO
from avatar_engine.evaluate.held_out import build_held_out_takes, read_held_out, split_frames
from avatar_engine.evaluate.pictures import lay_over
from avatar_engine.evaluate.result import load_evaluation
from avatar_engine.face.topology import EYE_CORNERS
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from tests.avatar_engine.evaluate.shared_files import require_files, require_shared
from tests.avatar_engine.evaluate.small_avatar import FRAMES, build_small_avatar


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> AvatarFolder:
    clip = sorted((require_shared() / "grid_unseen_speakers").glob("*.mpg"))[0]
    return build_small_avatar(tmp_path_factory.mktemp("data") / "avatars" / "small", clip, require_files())


@pytest.fixture
def avatar(made: AvatarFolder, tmp_path: Path, settings: Any) -> AvatarFolder:
    """A copy in a data folder of its own, which the commands use."""
    folder = tmp_path / "avatars" / "small"
    shutil.copytree(made.path, folder)
    shared = require_shared().parent
    settings.FOOTLIGHT = dataclasses.replace(settings.FOOTLIGHT, data_dir=tmp_path, shared=shared)
    return AvatarFolder(folder)


def run(**options: Any) -> str:
    out = StringIO()
    call_command("evaluate_avatar", "small", stdout=out, pictures=3, seconds=3.0, **options)
    return out.getvalue()


def test_held_out_frames_are_those_that_training_leaves_out(made: AvatarFolder) -> None:
    split = split_frames(made)
    frames = list(read_held_out(made, 4))
    assert [frame.number for frame in frames] == sorted({frame.number for frame in frames})
    assert {frame.number for frame in frames} <= set(split.held_out.tolist())
    takes = build_held_out_takes(made, 10)
    assert sum(take.opening.size for take in takes) <= len(split.held_out)
    assert takes[0].sound.size == takes[0].opening.size * 1920


def test_a_pasted_face_has_its_eyes_on_those_of_the_frame(made: AvatarFolder) -> None:
    held_out = next(read_held_out(made, 1))
    moved = lay_over(held_out)
    x, y = held_out.points[EYE_CORNERS[0]].round().astype(int)
    u, v = held_out.reference_points[EYE_CORNERS[0]].round().astype(int)
    patch = moved[y - 4 : y + 5, x - 4 : x + 5].astype(float).mean()
    assert patch == pytest.approx(held_out.reference_frame[v - 4 : v + 5, u - 4 : u + 5].astype(float).mean(), abs=6)


def test_every_figure_is_there_and_an_untrained_network_does_not_pass(avatar: AvatarFolder) -> None:
    text = run()
    found = load_evaluation(avatar.path)
    assert found is not None
    assert (found.avatar, found.truth, found.frames) == ("small", TRUTH_VIDEO, 3)
    for name in ("crop_psnr_db", "frame_psnr_db", "paste_psnr_db", "crop_ssim", "crop_lpips", "lmd_px", "fps"):
        assert np.isfinite(getattr(found, name)), name
    assert found.crop_psnr_db < found.paste_psnr_db
    assert found.crop_psnr_db < found.frame_psnr_db
    assert "keeps it off the air: psnr" in text
    gate = read_air_gate("small", avatar.path.parents[1])
    assert not gate.passes
    assert gate.network_sha256 == found.network_sha256
    assert avatar.sheet_path.stat().st_size > 10_000


def test_an_avatar_without_speech_is_driven_by_voices(avatar: AvatarFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from avatar_engine.management.commands import evaluate_avatar

    monkeypatch.setattr(evaluate_avatar, "TEST_SENTENCES", {"en": ("My mother may bake.",), "zh": ()})
    avatar.audio_path.unlink()
    text = run()
    found = load_evaluation(avatar.path)
    assert found is not None
    assert (found.truth, found.crop_psnr_db) == (TRUTH_MARKS, None)
    assert found.frames > FRAMES // 3
    assert "its video holds no speech" in text


def test_an_avatar_that_is_not_there_is_named(avatar: AvatarFolder) -> None:
    with pytest.raises(CommandError, match="nobody"):
        call_command("evaluate_avatar", "nobody")
