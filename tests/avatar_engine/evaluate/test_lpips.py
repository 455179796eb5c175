"""LPIPS against a network written out in numpy, and against common sense."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.signal import correlate

from avatar_engine.errors import WeightsError
from avatar_engine.evaluate.lpips import Lpips
from tests.avatar_engine.evaluate.shared_files import require_files

LAYERS = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))


@pytest.fixture(scope="module")
def weights() -> Path:
    path = require_files().lpips
    assert path is not None
    return path


@pytest.fixture(scope="module")
def lpips(weights: Path) -> Lpips:
    return Lpips(weights)


def picture(seed: int, side: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def see(rgb: np.ndarray, state: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What VGG-16 makes of a picture after each stage, by direct correlation."""
    x = (rgb / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    x = x.transpose(2, 0, 1)
    stages = []
    for number, layers in enumerate(LAYERS):
        if number:
            c, h, w = x.shape
            x = x[:, : h // 2 * 2, : w // 2 * 2].reshape(c, h // 2, 2, w // 2, 2).max(axis=(2, 4))
        for layer in layers:
            kernel, bias = (state[f"features.{layer}.{part}"].astype(float) for part in ("weight", "bias"))
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
            x = np.stack([correlate(padded, k, mode="valid")[0] + b for k, b in zip(kernel, bias, strict=True)])
            x = np.maximum(x, 0)
        stages.append(x)
    return stages


def test_distance_equals_the_definition(weights: Path, lpips: Lpips) -> None:
    state = load_file(weights)
    truth = picture(1, 16)
    other = np.clip(truth.astype(int) + picture(2, 16) // 5, 0, 255).astype(np.uint8)
    expected = 0.0
    for stage, (a, b) in enumerate(zip(see(other, state), see(truth, state), strict=True)):
        unit_a, unit_b = (x / (np.sqrt((x**2).sum(axis=0)) + 1e-10) for x in (a, b))
        head = state[f"lpips.lin{stage}.model.1.weight"].reshape(-1, 1, 1)
        expected += (head * (unit_a - unit_b) ** 2).sum(axis=0).mean()
    assert lpips.measure(other, truth) == pytest.approx(expected, rel=2e-3)


def test_equal_pictures_have_no_distance_and_more_noise_has_more(lpips: Lpips) -> None:
    truth = np.full((32, 32, 3), 120, np.uint8)
    truth[8:24, 8:24] = 200
    distances = [
        lpips.measure(np.clip(truth + level * (picture(3) / 255 - 0.5), 0, 255).astype(np.uint8), truth)
        for level in (0, 30, 120)
    ]
    assert distances[0] == 0
    assert distances == sorted(distances)
    assert distances[2] > 1.5 * distances[1] > 0


def test_pictures_that_do_not_fit_are_refused(lpips: Lpips) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        lpips.measure(picture(1), picture(1, 33))
    with pytest.raises(ValueError, match="cannot be compared"):
        lpips.measure(picture(1, 15), picture(1, 15))


def test_a_file_that_is_no_lpips_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lpips.safetensors"
    path.write_bytes(b"\x00" * 64)
    with pytest.raises(WeightsError, match=r"lpips\.safetensors holds no LPIPS network"):
        Lpips(path)
