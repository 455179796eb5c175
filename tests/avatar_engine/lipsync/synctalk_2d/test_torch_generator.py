"""The generator in torch: right on a processor, and on a card where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.generator import load_generator
from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_328, NetSpec
from avatar_engine.lipsync.synctalk_2d.torch_runner import CHUNK_FRAMES, TorchGenerator
from tests.avatar_engine.lipsync.synctalk_2d.film import TINY, Film, build_windows, draw_with_torch, write_weights
from tests.avatar_engine.lipsync.synctalk_2d.golden import build_input, build_picture, fill

torch = pytest.importorskip("torch")

FRAMES = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avatar")
    write_weights(path)
    return path


def test_folding_the_norms_changes_nothing() -> None:
    from avatar_engine.lipsync.synctalk_2d.nets.folding import fold_norms
    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

    net = fill(UNet(TINY))
    folded = fold_norms(net)
    assert not [module for module in folded.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    picture, audio = build_picture((2, 6, 80, 80), 0.01), build_input((2, 32, 16, 16), 0.013)
    with torch.no_grad():
        torch.testing.assert_close(folded(picture, audio), net(picture, audio), atol=1e-5, rtol=0)


def test_it_draws_what_the_network_draws(folder: Path) -> None:
    film = Film(TINY, FRAMES)
    generator = TorchGenerator.load(folder, TINY, film, "cpu")
    frames = np.array([0, 1, 2, 3, 4, 3, 2], np.int32)
    windows = build_windows(len(frames), seed=9)
    drawn = generator.generate(frames, windows)
    for number, frame in enumerate(frames):
        wanted = np.floor(draw_with_torch(TINY, film.crop(int(frame)), windows[number]) * 255)
        assert np.abs(drawn[number].astype(int) - wanted).max() <= 1


def test_cutting_a_run_at_chunks_changes_no_pixel(folder: Path) -> None:
    generator = TorchGenerator.load(folder, TINY, Film(TINY, FRAMES), "cpu")
    frames = np.arange(10, dtype=np.int32) % FRAMES
    windows = build_windows(len(frames))
    whole = generator.generate(frames, windows)
    cuts = [(i, i + CHUNK_FRAMES) for i in range(0, len(frames), CHUNK_FRAMES)]
    parts = [generator.generate(frames[i:j], windows[i:j]) for i, j in cuts]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_frame_outside_the_source_is_refused(folder: Path) -> None:
    generator = TorchGenerator.load(folder, TINY, Film(TINY, FRAMES), "cpu")
    with pytest.raises(IndexError, match="frames 0 to 4"):
        generator.generate(np.array([FRAMES], np.int32), build_windows(1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_missing_card_is_a_clear_error(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot run on cuda"):
        load_generator(folder, TINY, Film(TINY, 1), "cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("spec", [TINY, PUBLISHED_328])
def test_a_card_draws_the_same_and_in_time(tmp_path: Path, spec: NetSpec) -> None:
    write_weights(tmp_path, spec)
    film = Film(spec, FRAMES)
    generator = load_generator(tmp_path, spec, film, "cuda")
    frames = np.array([0, 1, 2, 3, 4, 0], np.int32)
    windows = build_windows(len(frames), seed=9)
    drawn = generator.generate(frames, windows)
    for number, frame in enumerate(frames):
        wanted = np.floor(draw_with_torch(spec, film.crop(int(frame)), windows[number]) * 255)
        assert np.abs(drawn[number].astype(int) - wanted).max() <= 4
    assert generator.realtime
