"""Judges of who is speaking: the networks fit their published weights, and shifts of sound are seen as shifts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatar_engine.errors import WeightsError
from avatar_engine.evaluate.judge import JUDGES, Judge, build_verdict
from avatar_engine.evaluate.judge_faces import build_squares, cut_face, keep_surroundings
from avatar_engine.evaluate.lips import LipReader
from avatar_engine.types import Int16, UInt8
from tests.avatar_engine.evaluate.shared_files import read_clip, require_files, require_shared

FRAMES = 75
REACH = 10


@pytest.fixture(scope="module")
def speech() -> tuple[UInt8, Int16]:
    reader = LipReader(require_files())
    clip = sorted((require_shared() / "grid_unseen_speakers").glob("*.mpg"))[0]
    pictures, sound = read_clip(clip, FRAMES)
    points = [reader.find(pictures[0])]
    for picture in pictures[1:]:
        points.append(reader.find_near(picture, points[-1]))
    squares = build_squares(np.stack(points))
    kept = [keep_surroundings(picture, near) for picture, near in zip(pictures, points, strict=True)]
    return np.stack([cut_face(face, square) for face, square in zip(kept, squares, strict=True)]), sound


def load(name: str) -> Judge:
    path = getattr(require_files(), name)
    return Judge(name, path)


@pytest.mark.parametrize("name", JUDGES)
def test_published_weights_fit_and_later_sound_means_earlier_lips(name: str, speech: tuple[UInt8, Int16]) -> None:
    faces, sound = speech
    judge = load(name)
    straight = judge.judge([(faces, sound)], REACH)
    moved = judge.judge([(faces, np.concatenate([np.zeros(4 * 640, np.int16), sound])[: sound.size])], REACH)
    assert straight is not None
    assert moved is not None
    if abs(straight.lag_ms) < (REACH - 5) * 40:
        assert straight.lag_ms - moved.lag_ms == pytest.approx(160, abs=60)
    assert straight.best >= straight.score


def test_short_takes_are_left_out(speech: tuple[UInt8, Int16]) -> None:
    faces, sound = speech
    assert load("lr_asd").judge([(faces[:10], sound[: 10 * 640])]) is None


@pytest.mark.parametrize("name", JUDGES)
def test_a_file_that_is_no_judge_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "judge.model"
    path.write_bytes(b"PK not a model")
    with pytest.raises(WeightsError, match=f"judge.model holds no {name}"):
        Judge(name, path)


def test_the_weights_of_one_judge_are_refused_by_the_other() -> None:
    with pytest.raises(WeightsError, match="holds no light_asd"):
        Judge("light_asd", require_files().lr_asd or Path())


def test_the_best_shift_is_refined_between_frames() -> None:
    shifts = np.arange(-6, 7)
    verdict = build_verdict(3 - 0.1 * (shifts - 1.3) ** 2, 6)
    assert verdict.lag_ms == pytest.approx(1.3 * 40)
    assert verdict.score == pytest.approx(3 - 0.1 * 1.69)
    assert verdict.confidence > 0
