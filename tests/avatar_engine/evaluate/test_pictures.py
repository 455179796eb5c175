"""PSNR and SSIM against what they are by definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate

from avatar_engine.evaluate.psnr import CEILING_DB, measure_psnr
from avatar_engine.evaluate.ssim import build_luma, measure_ssim
from avatar_engine.types import UInt8


def noise(seed: int, shape: tuple[int, int, int] = (40, 52, 3)) -> UInt8:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def flat(value: int, shape: tuple[int, int, int] = (32, 32, 3)) -> UInt8:
    return np.full(shape, value, np.uint8)


@pytest.mark.parametrize("away", [1, 2, 16, 255])
def test_psnr_of_a_constant_difference_is_its_closed_form(away: int) -> None:
    assert measure_psnr(flat(away), flat(0)) == pytest.approx(20 * np.log10(255 / away))


def test_psnr_falls_by_three_decibel_where_twice_as_many_pixels_are_wrong() -> None:
    truth, few, many = flat(100), flat(100), flat(100)
    few[:4], many[:8] = 120, 120
    assert measure_psnr(few, truth) - measure_psnr(many, truth) == pytest.approx(10 * np.log10(2))


def test_psnr_is_a_number_for_equal_pictures_and_knows_no_sides() -> None:
    assert measure_psnr(noise(1), noise(1)) == CEILING_DB
    assert measure_psnr(noise(1), noise(2)) == measure_psnr(noise(2), noise(1))


@pytest.mark.parametrize("measure", [measure_psnr, measure_ssim])
def test_pictures_of_two_shapes_are_refused(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="cannot be compared"):
        measure(noise(1, (20, 20, 3)), noise(1, (20, 21, 3)))


@pytest.mark.parametrize(("a", "b"), [(0, 255), (50, 60), (10, 200)])
def test_ssim_of_flat_pictures_is_its_luminance_term(a: int, b: int) -> None:
    c1 = (0.01 * 255) ** 2
    assert measure_ssim(flat(a), flat(b)) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-9)


def test_ssim_is_one_for_equal_pictures_and_below_for_others() -> None:
    assert measure_ssim(noise(3), noise(3)) == pytest.approx(1)
    assert measure_ssim(noise(3), noise(4)) < 0.2


def test_ssim_equals_the_windows_of_the_paper_written_out() -> None:
    picture, truth = noise(5), np.clip(noise(5).astype(int) + noise(6) // 4, 0, 255).astype(np.uint8)
    steps = np.arange(-5, 6)
    row = np.exp(-(steps**2) / (2 * 1.5**2))
    window = np.outer(row, row) / row.sum() ** 2
    a, b = build_luma(picture), build_luma(truth)

    def average(values: np.ndarray) -> np.ndarray:
        return correlate(values, window, mode="constant")[5:-5, 5:-5]

    mean_a, mean_b = average(a), average(b)
    inner_a = average(a * a) - mean_a**2
    inner_b = average(b * b) - mean_b**2
    both = average(a * b) - mean_a * mean_b
    c1, c2 = 2.55**2, 7.65**2
    expected = ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (inner_a + inner_b + c2)
    )
    assert measure_ssim(picture, truth) == pytest.approx(expected.mean(), abs=1e-9)


def test_ssim_notices_blur_more_than_a_shift_of_brightness() -> None:
    truth = noise(7)
    brighter = np.clip(truth.astype(int) // 2 + 70, 0, 255).astype(np.uint8)
    darker = (truth // 2 + 60).astype(np.uint8)
    blurred = np.full_like(truth, int(truth.mean()))
    assert measure_ssim(brighter, darker) > 0.95 > 0.1 > measure_ssim(blurred, truth)
