"""The command that makes the default presenter, and what it packs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.engine import DEFAULT_AVATAR
from avatar_engine.lipsync.synctalk_2d.export import read_report
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.lipsync.synctalk_2d.loop_pictures import LoopPictures
from avatar_engine.lipsync.synctalk_2d.studio.recipe import MOST_BYTES, SPEC, Recipe


def test_the_command_names_the_weights_that_it_lacks(tmp_path: Path, settings: object) -> None:
    settings.FOOTLIGHT = dataclasses.replace(settings.FOOTLIGHT, data_dir=tmp_path)  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match=r"kokoro.*manage.py weights"):
        call_command("make_default_avatar", work=tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_nothing_is_packed_before_it_is_exported(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not exported"):
        Recipe(tmp_path, SPEC).pack(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_ships_is_whole_small_and_at_rest() -> None:
    avatar = AvatarFolder(DEFAULT_AVATAR)
    assert avatar.read_info().net == SPEC.to_json()
    assert read_report(DEFAULT_AVATAR, SPEC) is not None
    assert sum(path.stat().st_size for path in DEFAULT_AVATAR.iterdir()) < MOST_BYTES
    pictures = LoopPictures.load(avatar, SPEC)
    assert pictures.frames == 250
    assert pictures.stretch.calm
