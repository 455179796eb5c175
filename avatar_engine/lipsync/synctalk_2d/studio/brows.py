"""Paints the brows onto the resting skin."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, build_spline

_BROW = (86, 50, 38)
_SPINE = [(0.0265, 0.3315), (0.05, 0.3225), (0.084, 0.3165), (0.104, 0.3215), (0.121, 0.3345)]
_THICKNESS = 0.0068


def paint_brows(canvas: Canvas) -> None:
    """A soft tapering shape with fine hairs along it; they lie nearly flat towards the temple."""
    rng = np.random.default_rng(7)
    for side in (-1, 1):
        spine = build_spline(_SPINE, closed=False, steps=20)
        along = np.linspace(0, 1, len(spine))
        thick = _THICKNESS * (1 - along**1.9) * np.clip(along * 5 + 0.42, 0, 1) + 0.0004
        half = np.stack([0 * thick, thick], axis=1)
        shape = np.concatenate([spine - half, (spine + 0.8 * half)[::-1]])
        shape[:, 0] = 0.5 + side * shape[:, 0]
        body = canvas.soft(canvas.mask(shape), 0.0024)
        canvas.lay(_BROW, body * np.clip((side * (canvas.x - 0.5) - 0.018) / 0.03, 0.25, 1), 0.66)
        hairs = []
        for _ in range(150):
            t = rng.uniform(0.0, 0.97)
            middle = spine[int(t * (len(spine) - 1))]
            at = middle + np.array((0, rng.uniform(-0.5, 0.9) * _THICKNESS * (1 - t**1.9)))
            lean = 0.35 + 1.15 * min(1.0, t * 1.6) + rng.normal(0, 0.1)
            length = (0.010 + 0.004 * rng.random()) * (1 - 0.3 * t)
            tip = at + length * np.array((np.sin(lean), -0.62 * np.cos(lean) + 0.26 * t))
            line = np.array([at, (at + tip) / 2 + (0, -0.0004), tip])
            line[:, 0] = 0.5 + side * line[:, 0]
            hairs.append((line, 0.0011))
        canvas.lay(_BROW, canvas.strokes(hairs), 0.5)
