"""A mouth that moves as the marks say is read from its pictures as moving so, without a lag."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from avatar_engine.evaluate.lips import LipReader
from avatar_engine.evaluate.on_air import PlayedTake, Stand, judge_takes
from avatar_engine.evaluate.takes import Take, build_opening
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.drawn.engine import DrawnEngine
from avatar_engine.types import Mark
from tests.avatar_engine.evaluate.shared_files import require_files

SOUNDS = "mɑbimoʊvæpɑm"
SPAN_MS = 100


@pytest.fixture(scope="module")
def stand() -> Stand:
    return Stand(DrawnEngine.load(), load_extractor("spectral"), (480, 360), LipReader(require_files()))


@pytest.fixture(scope="module")
def played(stand: Stand) -> PlayedTake:
    marks = [Mark("phoneme", sign, i * SPAN_MS, (i + 1) * SPAN_MS) for i, sign in enumerate(SOUNDS)]
    time_s = np.arange(len(SOUNDS) * SPAN_MS * 48) / 48_000
    sound = (8000 * np.sin(2 * np.pi * 150 * time_s)).astype(np.int16)
    frames = sound.size // 1920
    return stand.play(Take("marks", sound, tuple(marks), build_opening(sound, marks, frames)))


def test_lips_are_read_from_the_drawn_pictures(stand: Stand, played: PlayedTake) -> None:
    figures = judge_takes([played], stand, [])
    assert figures.match is not None
    assert figures.match.correlation > 0.75
    assert abs(figures.match.lag_ms) < 25
    assert played.faces.shape == (len(played.opening), 112, 112)
    assert figures.fps > 0


def test_lips_that_come_late_are_seen_to_come_late(stand: Stand, played: PlayedTake) -> None:
    late = dataclasses.replace(played, opening=np.roll(played.opening, 3))
    figures = judge_takes([late], stand, [])
    assert figures.match is not None
    assert figures.match.lag_ms == pytest.approx(120, abs=30)
