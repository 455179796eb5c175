"""Neck, blouse, jacket and the small microphone."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, build_spline, mirror
from avatar_engine.lipsync.drawn.portrait.palette import (
    BLOUSE,
    JACKET,
    JACKET_DARK,
    JACKET_LIGHT,
    SKIN_MID,
    SKIN_SHADOW,
)

FLOOR = 2.4


def paint_body(canvas: Canvas) -> None:
    """Everything below the head, which is painted over it."""
    _paint_neck(canvas)
    _paint_blouse(canvas)
    _paint_jacket(canvas)
    _paint_microphone(canvas)


def _paint_neck(canvas: Canvas) -> None:
    outline = build_spline(
        mirror(
            [
                (0.5, 0.5),
                (0.562, 0.52),
                (0.568, 0.62),
                (0.571, 0.68),
                (0.59, 0.722),
                (0.68, 0.775),
                (0.62, 0.96),
                (0.5, 1.0),
            ]
        ),
        closed=True,
    )
    neck = canvas.mask(outline)
    canvas.lay(SKIN_MID, neck)
    canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.52, 0.645, 0.13, 0.06), 0.75)
    canvas.shade(SKIN_SHADOW, neck * canvas.soft(canvas.bump(0.6, 0.7, 0.05, 0.1), 0.01), 0.55)
    canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.425, 0.68, 0.02, 0.1), 0.35)
    for side, strength in ((-1, 0.22), (1, 0.26)):
        canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.5 + side * 0.034, 0.757, 0.012, 0.045, side * 0.5), strength)
        canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.5 + side * 0.085, 0.79, 0.06, 0.007, -side * 0.12), strength)
    canvas.glow((255, 226, 200), neck * canvas.bump(0.45, 0.73, 0.03, 0.06), 0.14)


def _paint_blouse(canvas: Canvas) -> None:
    outline = build_spline(
        mirror(
            [
                (0.5, 0.862),
                (0.54, 0.825),
                (0.585, 0.765),
                (0.612, 0.742),
                (0.66, 0.8),
                (0.64, 1.2),
                (0.6, FLOOR),
                (0.5, FLOOR),
            ]
        ),
        closed=True,
    )
    cloth = canvas.mask(outline)
    canvas.shade((150, 120, 120), canvas.soft(cloth, 0.012) * (1 - cloth), 0.5)
    canvas.lay(BLOUSE, cloth)
    canvas.shade((186, 180, 190), cloth * canvas.bump(0.58, 0.86, 0.05, 0.16), 0.6)
    for x0, y0, x1, y1 in ((0.47, 0.88, 0.46, 1.3), (0.53, 0.88, 0.545, 1.3), (0.5, 0.93, 0.503, 1.5)):
        fold = canvas.strokes(
            [(build_spline([(x0, y0), ((x0 + x1) / 2 + 0.004, (y0 + y1) / 2), (x1, y1)], closed=False), 0.012)]
        )
        canvas.shade((170, 165, 178), canvas.soft(fold, 0.005) * cloth, 0.45)


def _paint_jacket(canvas: Canvas) -> None:
    shoulder = [
        (0.617, 0.735),
        (0.66, 0.752),
        (0.75, 0.782),
        (0.822, 0.822),
        (0.868, 0.9),
        (0.9, 1.05),
        (0.94, 1.6),
        (0.95, FLOOR),
    ]
    right = build_spline([*shoulder, (0.5, FLOOR), (0.502, 1.08), (0.545, 0.96), (0.596, 0.84)], closed=True)
    left = right.copy()
    left[:, 0] = 1 - left[:, 0]
    for side, outline in ((1, right), (-1, left)):
        cloth = canvas.mask(outline)
        canvas.shade((60, 56, 76), canvas.soft(cloth, 0.016) * (1 - cloth), 0.45)
        canvas.lay(JACKET, cloth)
        light = canvas.bump(0.5 + side * 0.24, 0.79, 0.16, 0.05, side * 0.3)
        canvas.glow(JACKET_LIGHT, cloth * light, 0.34 if side < 0 else 0.16)
        canvas.shade(JACKET_DARK, cloth * canvas.bump(0.5 + side * 0.4, 1.05, 0.13, 0.3), 0.6)
        canvas.shade(JACKET_DARK, cloth * canvas.bump(0.5 + side * 0.29, 0.98, 0.02, 0.16, side * 0.14), 0.5)
        _paint_lapel(canvas, side)


def _paint_lapel(canvas: Canvas, side: int) -> None:
    shape = [
        (0.612, 0.732),
        (0.652, 0.77),
        (0.668, 0.832),
        (0.698, 0.85),
        (0.682, 0.9),
        (0.6, 1.02),
        (0.505, 1.12),
        (0.503, 1.08),
        (0.55, 0.95),
        (0.594, 0.84),
    ]
    outline = build_spline(shape, closed=True, steps=6)
    outline[:, 0] = 0.5 + side * (outline[:, 0] - 0.5)
    lapel = canvas.mask(outline)
    canvas.shade((40, 40, 60), canvas.soft(lapel, 0.009) * (1 - lapel), 0.5)
    canvas.lay(JACKET, lapel)
    canvas.glow(JACKET_LIGHT, lapel * canvas.bump(0.5 + side * 0.13, 0.83, 0.05, 0.12), 0.3 if side < 0 else 0.16)
    rim = np.clip(lapel - canvas.soft(lapel, 0.003), 0, 1)
    canvas.glow(JACKET_LIGHT, rim, 0.5)


def _paint_microphone(canvas: Canvas) -> None:
    body = canvas.mask(build_spline([(0.607, 0.925), (0.617, 0.925), (0.619, 0.958), (0.605, 0.958)], closed=True))
    canvas.shade((20, 20, 30), canvas.soft(body, 0.006), 0.5)
    canvas.lay((26, 28, 34), body)
    canvas.glow((200, 210, 220), canvas.bump(0.609, 0.94, 0.0016, 0.012) * body, 0.5)
    head = canvas.mask(build_spline([(0.604, 0.924), (0.612, 0.914), (0.62, 0.924), (0.612, 0.931)], closed=True))
    canvas.lay((52, 55, 62), head)
    canvas.glow((230, 236, 240), canvas.bump(0.6095, 0.92, 0.003, 0.003), 0.5)
