"""Damaged files: whatever is flipped, cut or overwritten in them, the answer is frames or a clear refusal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.picture import write_picture
from avatar_engine.prepare.probe import probe_source
from avatar_engine.prepare.reasons import SourceRefused
from avatar_engine.prepare.sound import read_sound
from tests.avatar_engine.prepare.conftest import write_video
from tests.avatar_engine.prepare.test_sources import build_tone, paint_all

LIMITS = Limits()
ROUNDS = 24


def spoil(content: np.ndarray, random: np.random.Generator, way: str) -> bytes:
    """Another uint8[n] than the given one."""
    spoilt = content.copy()
    if way == "bits":
        places = random.integers(0, spoilt.size, int(random.integers(1, 60)))
        spoilt[places] ^= (1 << random.integers(0, 8, places.size)).astype(np.uint8)
    elif way == "head":
        spoilt[random.integers(0, min(4000, spoilt.size), 12)] = random.integers(0, 256, 12)
    elif way == "hole":
        start = int(random.integers(0, spoilt.size - 500))
        spoilt[start : start + int(random.integers(50, 20_000))] = 0
    else:
        return spoilt[: int(random.integers(1, spoilt.size))].tobytes()
    return spoilt.tobytes()


@pytest.fixture(scope="module", params=["mp4", "mkv", "avi"])
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("whole") / f"a.{request.param}"
    frames = paint_all(55, 320, 200)
    write_video(path, frames, build_tone(2.2), options={"preset": "ultrafast", "g": "12"})
    return np.frombuffer(path.read_bytes(), np.uint8)


@pytest.mark.parametrize("way", ["bits", "head", "hole", "cut"])
def test_damage_gives_frames_or_a_refusal(content: np.ndarray, way: str, tmp_path: Path) -> None:
    random = np.random.default_rng(len(way) + content.size)
    path = tmp_path / "a.mp4"
    refusals: list[SourceRefused] = []
    for _ in range(ROUNDS):
        path.write_bytes(spoil(content, random, way))
        try:
            source = probe_source(path, LIMITS)
            picture = write_picture(source, tmp_path / "out.mp4", LIMITS, lambda _: None)
            if source.has_sound:
                heard, _ = read_sound(source, picture.starts_s, picture.frames)
                assert heard.size == picture.frames * 640
        except SourceRefused as refusal:
            refusals.append(refusal)
    assert all(len(refusal.reasons) == 1 and str(refusal) for refusal in refusals)
    assert len(refusals) >= (ROUNDS // 2 if way == "cut" else 1)
