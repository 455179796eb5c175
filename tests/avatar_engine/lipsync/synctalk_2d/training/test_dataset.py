"""Which samples a step gets, and what comes with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatar_engine.errors import TrainingError
from avatar_engine.features.ave import window
from avatar_engine.lipsync.synctalk_2d.training.batches import Feeder
from avatar_engine.lipsync.synctalk_2d.training.dataset import HELD_OUT_GAP, SampleOrder, split_by_time
from avatar_engine.lipsync.synctalk_2d.training.studio_set import StudioSet
from avatar_engine.lipsync.synctalk_2d.training.video_set import VideoSet
from avatar_engine.lipsync.synctalk_2d.training.windows import FARTHEST_FALSE, NEAREST_FALSE, WindowTable
from tests.avatar_engine.lipsync.synctalk_2d.training.training_kit import (
    SAMPLES,
    SPEC,
    build_openings,
    build_rows,
    find_mouths,
    paint_faces,
    write_studio,
)


def numbered_rows(count: int) -> np.ndarray:
    """Row i is full of i + 1, so that zeros are nobody's."""
    return np.repeat(np.arange(1, count + 1, dtype=np.float32)[:, None], 512, axis=1)


def test_last_tenth_is_held_out_with_a_gap_before_it() -> None:
    split = split_by_time(1000)
    assert split.held_out.tolist() == list(range(900, 1000))
    assert split.train.tolist() == list(range(900 - HELD_OUT_GAP))


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(TrainingError, match="39 frames to learn from are too few"):
        split_by_time(39)


def test_every_epoch_has_every_sample_once_in_another_order() -> None:
    samples = np.arange(50, 73, dtype=np.int32)
    order = SampleOrder(samples, seed=1)
    first, second = order.take(0, 23), order.take(23, 23)
    assert sorted(first) == sorted(second) == samples.tolist()
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("batch", [1, 4, 7, 23, 60])
def test_order_does_not_depend_on_how_it_is_cut(batch: int) -> None:
    samples = np.arange(23, dtype=np.int32)
    whole = SampleOrder(samples, seed=5).take(0, 240)
    order = SampleOrder(samples, seed=5)
    assert np.concatenate([order.take(start, batch) for start in range(0, 240, batch)])[:240].tolist() == whole.tolist()


def test_windows_are_those_of_the_features() -> None:
    rows = numbered_rows(40)
    table = WindowTable(rows, np.array([[0, 40, 0]], np.int32))
    samples = np.array([0, 3, 20, 39], np.int32)
    assert np.array_equal(table.take(samples), np.stack([window(rows, int(sample)) for sample in samples]))


def test_windows_do_not_reach_into_another_take() -> None:
    rows = numbered_rows(60)
    table = WindowTable(rows, np.array([[0, 25, 0], [25, 30, 30]], np.int32))
    assert table.samples == 55
    last, first = table.take(np.array([24, 25], np.int32))
    assert last[:, 0].tolist() == [*range(17, 31), 0, 0]  # rows 30 and on are the other take's
    assert first[:, 0].tolist() == [0] * 8 + list(range(31, 39))


def test_false_windows_lie_beside_the_true_ones_in_the_same_take() -> None:
    rows = numbered_rows(400)
    table = WindowTable(rows, np.array([[0, 200, 0], [200, 200, 200]], np.int32))
    samples = np.arange(40, 160, dtype=np.int32)
    moved = table.take_false(samples, np.random.default_rng(0))[:, 8, 0] - 1 - samples
    assert set(np.abs(moved).astype(int)) <= set(range(NEAREST_FALSE, FARTHEST_FALSE + 1))
    assert (moved > 0).any()
    assert (moved < 0).any()
    edge = table.take_false(np.full(50, 199, np.int32), np.random.default_rng(0))[:, 8, 0]
    assert (edge < 199).all()


def build_video(gap: int = 30) -> VideoSet:
    openings = build_openings()
    return VideoSet(paint_faces(openings), build_rows(openings), find_mouths(), gap)


def test_references_of_a_video_lie_far_away_and_are_trained_on() -> None:
    pictures = np.zeros((400, 8, 8, 3), np.uint8)
    pictures[:, 0, 0, 0] = np.arange(400) % 256
    pictures[:, 0, 0, 1] = np.arange(400) // 256
    data = VideoSet(pictures, numbered_rows(400), np.zeros((400, 4), np.int32), gap=25)
    samples = np.concatenate([data.split.train, data.split.held_out])
    chosen = data.references(samples, np.random.default_rng(3))
    numbers = chosen[:, 0, 0, 0].astype(int) + 256 * chosen[:, 0, 0, 1].astype(int)
    assert (np.abs(numbers - samples) >= 25).all()
    assert set(numbers) <= set(data.split.train.tolist())
    assert len(set(numbers)) > 100


def test_frames_without_sound_at_the_end_are_left_out() -> None:
    openings = build_openings()
    data = VideoSet(paint_faces(openings), build_rows(openings)[:-1], find_mouths(), 30)
    assert data.split.held_out[-1] == SAMPLES - 2


def test_network_sees_the_reference_and_not_the_mouth_it_is_to_draw() -> None:
    feeder = Feeder(build_video(), SPEC, 1, "cpu")
    batch = feeder.take(0, 4)
    x0, y0, x1, y1 = SPEC.mask_box
    assert batch.picture.shape == (4, 6, 80, 80)
    assert batch.audio.shape == (4, 32, 16, 16)
    assert float(batch.picture[:, 3:, y0:y1, x0:x1].abs().max()) == 0
    hidden = batch.picture[:, 3:].clone()
    hidden[:, :, y0:y1, x0:x1] = batch.target[:, :, y0:y1, x0:x1]
    assert hidden.equal(batch.target)
    assert float(batch.target.max()) == pytest.approx(210 / 255)


def test_same_step_gets_the_same_batch() -> None:
    once, again = (Feeder(build_video(), SPEC, 1, "cpu").take(64, 8) for _ in range(2))
    assert once.picture.equal(again.picture)
    assert not once.picture.equal(Feeder(build_video(), SPEC, 1, "cpu").take(72, 8).picture)


def test_studio_pairs_come_with_their_own_reference(tmp_path: Path) -> None:
    data = write_studio(tmp_path)
    samples = np.array([5, 60], np.int32)
    rng = np.random.default_rng(0)
    assert np.array_equal(data.targets(samples), paint_faces(build_openings()[samples]))
    assert np.array_equal(data.references(samples, rng), paint_faces(np.zeros(2, np.float32)))


def test_studio_may_say_what_is_held_out(tmp_path: Path) -> None:
    write_studio(tmp_path)
    np.save(tmp_path / "held_out.npy", np.array([3, 4, 5], np.int32))
    split = StudioSet(tmp_path).split
    assert split.held_out.tolist() == [3, 4, 5]
    assert split.train.tolist() == [0, 1, 2, *range(6, SAMPLES)]


@pytest.mark.parametrize("name", ["targets", "references", "reference_of", "rows", "takes", "mouths"])
def test_studio_that_does_not_fit_is_refused(tmp_path: Path, name: str) -> None:
    write_studio(tmp_path)
    path = tmp_path / f"{name}.npy"
    whole = np.load(path)
    for wrong in (whole[:0], whole.astype(np.float64), whole[..., None]):
        np.save(path, wrong)
        with pytest.raises(TrainingError):
            StudioSet(tmp_path)
    path.write_bytes(b"no array")
    with pytest.raises(TrainingError, match=f"{name}.npy of the studio cannot be read"):
        StudioSet(tmp_path)
