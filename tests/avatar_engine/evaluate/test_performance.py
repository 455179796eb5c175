"""The path of the stage without its clock draws what the performer would draw."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.evaluate.performance import count_frames, perform
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.drawn.engine import DrawnEngine
from avatar_engine.types import Int16, Mark


def tone(samples: int) -> Int16:
    time_s = np.arange(samples) / 48_000
    return (9000 * np.sin(2 * np.pi * 180 * time_s) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * time_s))).astype(np.int16)


@pytest.mark.parametrize("samples", [1, 960, 1920, 1921, 48_000, 100_001])
def test_every_started_frame_is_drawn_at_its_own_pose(samples: int) -> None:
    engine = DrawnEngine.load()
    session = engine.open(1, 128, 128)
    frames = list(perform(session, load_extractor("spectral"), engine.capabilities, tone(samples), first_pose=40))
    assert len(frames) == count_frames(tone(samples)) == -(-samples // 1920)
    assert [frame.pose for frame in frames] == list(range(40, 40 + len(frames)))
    assert all(frame.picture.shape == (128, 128, 3) and frame.draw_s > 0 for frame in frames)


def test_marks_move_the_mouth_at_their_time() -> None:
    engine = DrawnEngine.load()
    session = engine.open(1, 128, 128)
    marks = [Mark("phoneme", "m", 0, 400), Mark("phoneme", "ɑ", 400, 800)]
    openings = [
        session.mouth_opening
        for _ in perform(session, load_extractor("spectral"), engine.capabilities, tone(38_400), marks)
    ]
    assert max(openings[:7]) < 0.3 * max(openings[12:])
