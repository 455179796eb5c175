"""The generator on a processor: right pictures, any cutting, the cache, and files that are not as they should be."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.cpu_generator import CpuGenerator
from avatar_engine.lipsync.synctalk_2d.export import FLOAT_FILES, INT8_FILES, REPORT, WEIGHTS
from avatar_engine.lipsync.synctalk_2d.generator import load_generator
from avatar_engine.lipsync.synctalk_2d.litert_runner import LitertNetworks
from avatar_engine.lipsync.synctalk_2d.onnx_runner import OnnxNetworks
from avatar_engine.lipsync.synctalk_2d.reference_cache import MOST_FRAMES, ReferenceCache
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from tests.avatar_engine.lipsync.synctalk_2d.film import TINY, Film, build_windows, draw_with_torch, write_weights

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[4]
FRAMES = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An avatar folder whose networks have been exported with sound."""
    path = tmp_path_factory.mktemp("avatar")
    write_weights(path)
    np.save(path / "features_ave.npy", build_windows(4).reshape(-1, 512))
    load_generator(path, TINY, Film(TINY, FRAMES), "cpu", threads=1).close()
    return path


def load(folder: Path, film: Film | None = None) -> CpuGenerator:
    generator = load_generator(folder, TINY, film or Film(TINY, FRAMES), "cpu", threads=1)
    assert isinstance(generator, CpuGenerator)
    return generator


def psnr_db(drawn: np.ndarray, wanted: np.ndarray) -> float:
    """Of uint8 pictures against float ones in 0..1, inside the mask box of TINY."""
    x0, y0, x1, y1 = TINY.mask_box
    error = (drawn.astype(np.float64) + 0.5) / 255 - wanted
    return -10 * math.log10(max(float(np.square(error[..., y0:y1, x0:x1, :]).mean()), 1e-10))


def test_it_draws_what_the_network_draws(folder: Path) -> None:
    generator, film = load(folder), Film(TINY, FRAMES)
    assert isinstance(generator._networks, LitertNetworks)
    windows = build_windows(FRAMES, seed=9)
    drawn = generator.generate(np.arange(FRAMES, dtype=np.int32), windows)
    assert drawn.shape == (FRAMES, 80, 80, 3)
    for frame in range(FRAMES):
        assert psnr_db(drawn[frame], draw_with_torch(TINY, film.crop(frame), windows[frame])) > 45


def test_float32_is_taken_where_int8_was_not_close_enough(folder: Path, tmp_path: Path) -> None:
    for name in (WEIGHTS, *FLOAT_FILES):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    text = (folder / REPORT).read_text()
    begin = text.index('"int8_psnr_db"')
    end = text.index(",", begin)
    (tmp_path / REPORT).write_text(text[:begin] + '"int8_psnr_db": 39.9' + text[end:])
    generator = load(tmp_path)
    assert isinstance(generator._networks, OnnxNetworks)
    window = build_windows(1, seed=9)
    drawn = generator.generate(np.array([2], np.int32), window)
    wanted = draw_with_torch(TINY, Film(TINY, FRAMES).crop(2), window[0])
    assert np.abs(drawn[0].astype(int) - np.floor(wanted * 255)).max() <= 1
    assert psnr_db(drawn[0], wanted) > 55


def test_cutting_a_run_changes_no_pixel(folder: Path) -> None:
    frames = np.array([3, 4, 5, 4, 3, 2], np.int32)
    windows = build_windows(len(frames), seed=2)
    whole = load(folder).generate(frames, windows)
    generator = load(folder)
    parts = [generator.generate(frames[i:j], windows[i:j]) for i, j in ((0, 1), (1, 1), (1, 4), (4, 6))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_each_picture_of_a_loop_is_looked_at_once(folder: Path) -> None:
    film = Film(TINY, FRAMES)
    generator = load(folder, film)
    again = np.tile(np.arange(FRAMES, dtype=np.int32), 3)
    first = generator.generate(again, np.tile(build_windows(1), (len(again), 1, 1)))
    assert sorted(film.asked) == list(range(FRAMES))
    assert generator.cache.kept_bytes == FRAMES * generator.cache.frame_bytes
    np.testing.assert_array_equal(first[:FRAMES], first[-FRAMES:])
    generator.close()
    assert generator.cache.kept_bytes == 0


@pytest.mark.parametrize(("frames", "budget_frames"), [(FRAMES, FRAMES - 1), (MOST_FRAMES + 1, 10 * MOST_FRAMES)])
def test_a_loop_that_does_not_fit_is_not_kept_at_all(frames: int, budget_frames: int) -> None:
    film = Film(TINY, frames)
    frame_bytes = TINY.inner**2 * 3 + 8
    cache = ReferenceCache(film, lambda inner: [np.zeros(8, np.int8)], budget_frames * frame_bytes)
    assert cache.frame_bytes == frame_bytes
    for _ in range(2):
        cache.get(1)
    assert not cache.keeps
    assert cache.kept_bytes == 0
    assert film.asked == [0, 1, 1]


@pytest.mark.parametrize("frame", [-1, FRAMES, 1 << 30])
def test_a_frame_outside_the_source_is_refused(folder: Path, frame: int) -> None:
    with pytest.raises(IndexError, match="frames 0 to 5"):
        load(folder).generate(np.array([frame], np.int32), build_windows(1))


def test_what_is_not_finite_counts_as_silence(folder: Path) -> None:
    generator, frame = load(folder), np.zeros(1, np.int32)
    window, clean = build_windows(1), build_windows(1)
    window[0, 3:6] = np.array([np.nan, np.inf, -np.inf])[:, None]
    clean[0, 3:6] = 0
    np.testing.assert_array_equal(generator.generate(frame, window), generator.generate(frame, clean))


def test_deafening_sound_still_gives_a_picture(folder: Path) -> None:
    loud = np.full((1, 16, 512), 1e30, np.float32)
    assert load(folder).generate(np.zeros(1, np.int32), loud).shape == (1, 80, 80, 3)


def test_nothing_drawn_for_no_frames(folder: Path) -> None:
    assert load(folder).generate(np.empty(0, np.int32), build_windows(0)).shape == (0, 80, 80, 3)


def test_exported_networks_run_without_torch_and_weights(folder: Path, tmp_path: Path) -> None:
    for name in (REPORT, *FLOAT_FILES, *INT8_FILES):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    program = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
import numpy as np
from avatar_engine.lipsync.synctalk_2d.generator import load_generator
from tests.avatar_engine.lipsync.synctalk_2d.film import TINY, Film
generator = load_generator(Path({str(tmp_path)!r}), TINY, Film(TINY, 2), "cpu", threads=1)
print(generator.generate(np.zeros(1, np.int32), np.zeros((1, 16, 512), np.float32)).shape)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "(1, 80, 80, 3)", done.stderr


def test_damaged_networks_are_made_again_from_the_weights(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / INT8_FILES[0]).write_bytes(b"")
    windows = build_windows(1, seed=4)
    frame = np.zeros(1, np.int32)
    np.testing.assert_array_equal(load(tmp_path).generate(frame, windows), load(folder).generate(frame, windows))
    assert (tmp_path / INT8_FILES[0]).stat().st_size > 1000


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({}, "missing or damaged, and unet.safetensors is not there"),
        ({REPORT: b"{}"}, "missing or damaged"),
        ({WEIGHTS: b""}, "cannot be read as safetensors"),
        ({WEIGHTS: b"\x08\0\0\0\0\0\0\0{}      "}, "missing: "),
    ],
)
def test_a_folder_without_usable_networks_is_refused(tmp_path: Path, files: dict[str, bytes], text: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=text):
        load(tmp_path)


def test_weights_of_another_size_than_the_avatar_says_are_refused(folder: Path) -> None:
    other = NetSpec(80, (4, 8, 12, 32))
    with pytest.raises(CheckpointError, match="instead of"):
        load_generator(folder, other, Film(other, 2), "cpu", threads=1)


@pytest.mark.parametrize("shape", [(512,), (0, 512), (4, 3)])
def test_features_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    write_weights(tmp_path)
    np.save(tmp_path / "features_ave.npy", np.zeros(shape, np.float32))
    with pytest.raises(CheckpointError, match="features_ave"):
        load(tmp_path)
