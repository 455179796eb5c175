"""Structural similarity of two pictures (Wang, Bovik, Sheikh and Simoncelli, 2004)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from avatar_engine.types import UInt8

WINDOW_PX = 11
SIGMA_PX = 1.5
K1, K2 = 0.01, 0.03
PEAK = 255.0


def measure_ssim(picture: UInt8, truth: UInt8) -> float:
    """Mean SSIM of the luma of two uint8[h, w, 3] RGB pictures; 1 where they are equal.

    A Gaussian window of 11x11 pixels with sigma 1.5, K1 0.01, K2 0.03, biased (co)variances, and only windows that
    lie wholly inside, as in the paper. Raises ValueError on shapes that differ or a side below 11 pixels.
    """
    if picture.shape != truth.shape or min(picture.shape[:2]) < WINDOW_PX:
        raise ValueError(f"pictures of {picture.shape} and {truth.shape} cannot be compared")
    a, b = build_luma(picture), build_luma(truth)
    mean_a, mean_b = _blur(a), _blur(b)
    variance_a = _blur(a * a) - mean_a**2
    variance_b = _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    c1, c2 = (K1 * PEAK) ** 2, (K2 * PEAK) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float(np.mean(above / below))


def build_luma(picture: UInt8) -> npt.NDArray[np.float64]:
    """float64[h, w] in 0..255 of uint8[h, w, 3] RGB, by the weights of ITU-R BT.601."""
    luma: npt.NDArray[np.float64] = picture.astype(np.float64) @ np.array((0.299, 0.587, 0.114))
    return luma


def _blur(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rim = WINDOW_PX // 2
    blurred: npt.NDArray[np.float64] = cv2.GaussianBlur(values, (WINDOW_PX, WINDOW_PX), SIGMA_PX)
    return blurred[rim:-rim, rim:-rim]
