"""The drawn presenter's idle life and its sizes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from avatar_engine.errors import PreparationError
from avatar_engine.lipsync.drawn.engine import DrawnEngine
from avatar_engine.lipsync.drawn.life import LOOP_FRAMES, build_life
from avatar_engine.lipsync.drawn.session import DrawnSession
from avatar_engine.timing import FPS
from avatar_engine.types import SpeechWindow, UInt8


def rest(session: DrawnSession, pose: int) -> UInt8:
    window = SpeechWindow(np.zeros((1, 0), np.float32), (), np.zeros(1, np.bool_))
    return session.render(window, np.array([pose], np.int32)).rgb[0]


@pytest.mark.parametrize("seed", range(20))
def test_blinks_are_short_complete_and_irregular(seed: int) -> None:
    blink = build_life(seed).blink
    starts = np.flatnonzero((blink > 0) & (np.roll(blink, 1) == 0))
    assert 2 <= len(starts) <= LOOP_FRAMES / FPS
    assert np.ptp(np.diff(starts)) >= 8
    assert blink.max() == 1.0
    shut = np.flatnonzero(blink > 0.9)
    assert 2 * len(starts) <= len(shut) <= 3 * len(starts)


@pytest.mark.parametrize("name", ["sway_x", "sway_y", "tilt", "yaw", "pitch", "breath", "talk_yaw", "talk_pitch"])
def test_the_seam_of_the_loop_is_no_bigger_than_any_step(name: str) -> None:
    curve = getattr(build_life(3), name)
    steps = np.abs(np.diff(curve))
    assert abs(curve[0] - curve[-1]) <= 1.05 * steps.max()
    assert steps.max() < 0.3


def test_another_seed_lives_another_rhythm() -> None:
    assert not np.array_equal(build_life(1).blink, build_life(2).blink)


def test_the_idle_picture_moves_a_little_all_the_time() -> None:
    session = DrawnEngine().open(2, 256, 256)
    frames = [rest(session, pose).astype(int) for pose in range(0, 50, 5)]
    moved = [np.abs(a - b).mean() for a, b in pairwise(frames)]
    assert min(moved) > 0.02
    assert max(moved) < 8


def test_breathing_moves_the_shoulders_and_leaves_the_wall() -> None:
    session = DrawnEngine().open(2, 256, 256)
    breath = build_life(2).breath
    inhaled, exhaled = (rest(session, int(at)).astype(int) for at in (breath.argmax(), breath.argmin()))
    assert np.abs(inhaled - exhaled)[200:256, 30:226].max() > 20
    assert np.array_equal(inhaled[:60, :14], exhaled[:60, :14])


@pytest.mark.parametrize("size", [(100, 512), (512, 4000)])
def test_senseless_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="sides must be"):
        DrawnEngine().open(1, *size)


def test_there_is_nothing_to_prepare(tmp_path: Path) -> None:
    with pytest.raises(PreparationError):
        DrawnEngine.prepare(tmp_path / "me.mp4", tmp_path)
