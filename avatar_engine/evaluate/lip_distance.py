"""How far drawn lips lie from true ones, whatever the head does: the landmark distance LMD."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def measure_lip_distance(lips: npt.ArrayLike, true_lips: npt.ArrayLike) -> float:
    """Mean distance in pixels of corresponding lip points, each set [points, 2] first centred on its own mean.

    Centring takes the place of the head out of the figure (Chen et al., 2018). NaN where a point is not known.
    Raises ValueError on shapes that differ.
    """
    a, b = np.asarray(lips, np.float64), np.asarray(true_lips, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 2:
        raise ValueError(f"lips of {a.shape} and {b.shape} cannot be compared")
    away = (a - a.mean(axis=0)) - (b - b.mean(axis=0))
    return float(np.mean(np.hypot(away[:, 0], away[:, 1])))
