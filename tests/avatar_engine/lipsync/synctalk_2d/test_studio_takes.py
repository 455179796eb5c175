"""Mouths from marks, takes from voices, and the training set that comes of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from avatar_engine.lipsync.drawn.mouth import measure_opening
from avatar_engine.lipsync.drawn.shape import PRESS, REST
from avatar_engine.lipsync.synctalk_2d.encoder_training.corpus import Group
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.studio.film import measure_squares, write_film
from avatar_engine.lipsync.synctalk_2d.studio.idle import build_idle
from avatar_engine.lipsync.synctalk_2d.studio.painter import Painter
from avatar_engine.lipsync.synctalk_2d.studio.pairs import Scene, write_pairs, write_references, write_rows
from avatar_engine.lipsync.synctalk_2d.studio.speech import build_mouths, to_shape
from avatar_engine.lipsync.synctalk_2d.studio.takes import Take, find_held_out, plan_takes
from avatar_engine.lipsync.synctalk_2d.training.studio_set import StudioSet
from avatar_engine.types import Float32, Mark

LOOP = 12
GROUPS = (Group("hibari", "en", 3, 1), Group("heart", "en", 2, 3))
MARKS = (("m", 0.0, 90.0), ("ɑ", 90.0, 300.0), ("m", 300.0, 400.0), ("u", 400.0, 600.0), ("s", 600.0, 760.0))


def _openings(mouths: Float32) -> Float32:
    return np.array([measure_opening(to_shape(row)) for row in mouths], np.float32)


def _tone(ms: float, level: float) -> Float32:
    t = np.arange(int(16 * ms)) / 16_000
    return (level * np.sin(2 * np.pi * 180 * t)).astype(np.float32)


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `record_voices` leaves, with tones in the place of voices."""
    folder = tmp_path_factory.mktemp("voices")
    for group in GROUPS:
        (folder / group.name).mkdir()
        for number in range(group.sentences):
            pcm = (_tone(800, 0.2) * 32767).astype(np.int16)
            np.savez(folder / group.name / f"{number:04d}.npz", pcm=pcm, marks=np.array(json.dumps(MARKS)), text="x")
    return folder


@pytest.fixture(scope="module")
def takes(voices: Path) -> list[Take]:
    return list(plan_takes(voices, 1, LOOP, GROUPS))


def test_mouths_follow_the_marks() -> None:
    marks = [Mark("phoneme", *mark) for mark in MARKS]
    mouths = build_mouths(_tone(1200, 0.3), marks, 30)
    openings = _openings(mouths)
    closed = 350 // 40
    assert openings[closed] == 0.0
    assert mouths[closed, PRESS] == 1.0
    assert openings[4] == openings.max() > 0.02
    assert np.allclose(mouths[-1], REST)


def test_quiet_speech_opens_less_than_loud_speech() -> None:
    marks = [Mark("phoneme", "ɑ", 0.0, 400.0)]
    loud, quiet = (_openings(build_mouths(_tone(400, level), marks, 10)).max() for level in (0.5, 0.005))
    assert quiet < 0.7 * loud


def test_silence_rests() -> None:
    assert np.allclose(build_mouths(np.zeros(16_000, np.float32), (), 25), REST)


def test_takes_walk_the_loop_there_and_back(takes: list[Take]) -> None:
    assert [take.name for take in takes][:3] == ["hibari_en/0000", "hibari_en/0001", "hibari_en/0002"]
    for take in takes:
        assert len(take.sound) == 640 * len(take.poses) == 640 * len(take.mouths)
        assert take.poses.min() >= 0
        assert take.poses.max() < LOOP
        assert (np.abs(np.diff(take.poses)) == 1).all()
        assert measure_opening(to_shape(take.mouths[-1])) < 0.004
    assert len({int(take.poses[0]) for take in takes}) > 1


def test_the_same_seed_plans_the_same_takes(voices: Path, takes: list[Take]) -> None:
    again = list(plan_takes(voices, 1, LOOP, GROUPS))
    assert all(
        np.array_equal(a.poses, b.poses) and np.array_equal(a.sound, b.sound) for a, b in zip(takes, again, strict=True)
    )


def test_whole_takes_are_held_out() -> None:
    held = find_held_out([10] * 20)
    assert held.tolist() == [*range(50, 60), *range(160, 170)]
    assert find_held_out([10, 10]).size == 0


@pytest.fixture(scope="module")
def scene() -> Scene:
    painter = Painter(384, 216)
    looks = build_idle(1, LOOP)
    return Scene(painter, looks, measure_squares(painter, looks), NetSpec(80, (8, 8, 8, 16)))


def test_a_stopped_set_goes_on_to_the_same_pictures(tmp_path: Path, scene: Scene, takes: list[Take]) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        write_pairs(tmp_path / "a", scene, takes, stop)
    assert not (tmp_path / "a" / "targets.npy").exists()
    told: list[int] = []
    write_pairs(tmp_path / "a", scene, takes, lambda done, total: told.append(done))
    write_pairs(tmp_path / "b", scene, takes, lambda done, total: None)
    assert told == list(range(1, LOOP + 1))
    for name in ("targets", "truth", "mouths", "reference_of"):
        assert np.array_equal(np.load(tmp_path / "a" / f"{name}.npy"), np.load(tmp_path / "b" / f"{name}.npy"))


def test_training_reads_the_set_and_its_pairs_match(tmp_path: Path, scene: Scene, takes: list[Take]) -> None:
    film = tmp_path / "source.mp4"
    write_film(film, scene.painter, scene.looks, lambda done, total: None)
    write_references(tmp_path, read_source(film), scene.squares, scene.spec)
    write_pairs(tmp_path, scene, takes, lambda done, total: None)
    write_rows(tmp_path, takes, "ave_footlight")
    data = StudioSet(tmp_path)
    count = sum(len(take.poses) for take in takes)
    every = np.arange(count, dtype=np.int32)
    assert data.inner == 80
    assert data.windows(every).shape == (count, 16, 512)
    openings = np.load(tmp_path / "truth.npy")[:, 0]
    targets = data.targets(every).astype(float)
    references = data.references(every, np.random.default_rng(0)).astype(float)
    apart = np.abs(targets - references).mean(axis=(1, 2, 3))
    assert apart[openings == 0].mean() < 4.0 < 1.6 * apart[openings > openings.max() * 0.8].mean()
    boxes = data.mouths(every)
    x0, y0, x1, y1 = boxes[int(np.argmax(openings))]
    changed = np.abs(targets - references)[int(np.argmax(openings))].mean(axis=-1)
    assert changed[y0:y1, x0:x1].mean() > 3 * changed[: y0 - 2].mean()
