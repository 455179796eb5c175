"""How far pictures lie from the truth, pixel by pixel, in decibel."""

from __future__ import annotations

import numpy as np

from avatar_engine.types import UInt8

PEAK = 255.0
CEILING_DB = 100.0
"""What equal pictures get: the true figure would be infinite, and a mean must stay a number."""


def measure_psnr(picture: UInt8, truth: UInt8) -> float:
    """Peak signal to noise ratio of uint8[..., 3] against its truth of the same shape, in dB, at most CEILING_DB.

    -10 log10(MSE / 255**2), the mean over all pixels and channels. Raises ValueError on shapes that differ.
    """
    if picture.shape != truth.shape:
        raise ValueError(f"pictures of {picture.shape} and {truth.shape} cannot be compared")
    error = float(np.mean((picture.astype(np.float64) - truth.astype(np.float64)) ** 2))
    if error == 0:
        return CEILING_DB
    return min(CEILING_DB, 10 * float(np.log10(PEAK**2 / error)))
