"""Neck, blouse, jacket and the small microphone."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, Points, build_spline, mirror
from avatar_engine.lipsync.drawn.portrait.palette import (
    BLOUSE,
    GOLD,
    JACKET,
    JACKET_DARK,
    JACKET_LIGHT,
    SKIN_MID,
    SKIN_SHADOW,
)

FLOOR = 2.4
"""The cloth goes on this far down, for tall pictures."""


def paint_body(canvas: Canvas) -> None:
    """Everything below the head, which is painted over it."""
    _paint_neck(canvas.part(0.28, 0.45, 0.72, 1.05))
    paint_clothes(canvas)


def paint_clothes(canvas: Canvas) -> None:
    """Blouse, jacket and microphone, over a neck that is already there."""
    _paint_blouse(canvas.part(0.3, 0.66, 0.7, FLOOR))
    _paint_jacket(canvas.part(-0.1, 0.66, 1.1, FLOOR))
    _paint_button(canvas.part(0.4, 1.1, 0.6, 1.3))
    _paint_microphone(canvas.part(0.56, 0.88, 0.67, 1.0))


def _paint_neck(canvas: Canvas) -> None:
    outline = [
        (0.5, 0.48),
        (0.556, 0.5),
        (0.561, 0.6),
        (0.564, 0.66),
        (0.581, 0.71),
        (0.645, 0.78),
        (0.62, 0.96),
        (0.5, 1.0),
    ]
    neck = canvas.mask(build_spline(mirror(outline), closed=True))
    canvas.place(SKIN_MID, neck)
    canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.512, 0.628, 0.12, 0.052), 0.72)
    canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.6, 0.69, 0.05, 0.1), 0.5)
    canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.42, 0.67, 0.024, 0.1), 0.45)
    for side, strength in ((-1, 0.2), (1, 0.24)):
        canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.5 + side * 0.03, 0.752, 0.01, 0.036, side * 0.55), strength)
        canvas.shade(SKIN_SHADOW, neck * canvas.bump(0.5 + side * 0.08, 0.776, 0.05, 0.0065, -side * 0.14), strength)
        canvas.glow((255, 228, 206), neck * canvas.bump(0.5 + side * 0.078, 0.765, 0.045, 0.0055, -side * 0.14), 0.16)
    canvas.glow((255, 226, 200), neck * canvas.bump(0.455, 0.72, 0.026, 0.05), 0.16)
    drop = [(0.5, 0.806), (0.526, 0.792), (0.551, 0.757), (0.57, 0.704)]
    chain = build_spline([*[(1 - x, y) for x, y in drop[:0:-1]], *drop], closed=False)
    shadow = canvas.soft(canvas.strokes([(chain + np.array((0.001, 0.004)), 0.003)], taper=False), 0.0018)
    canvas.shade(SKIN_SHADOW, shadow * neck, 0.5)
    canvas.lay(GOLD, canvas.strokes([(chain, 0.0021)], taper=False) * neck, 0.9)
    canvas.lay(GOLD, np.clip(canvas.bump(0.5, 0.811, 0.006, 0.006) * 2.4 - 1, 0, 1))
    canvas.glow((255, 250, 230), canvas.bump(0.4985, 0.8095, 0.0022, 0.0022), 0.9)


def _paint_blouse(canvas: Canvas) -> None:
    outline = [
        (0.5, 0.868),
        (0.537, 0.83),
        (0.58, 0.77),
        (0.606, 0.728),
        (0.66, 0.79),
        (0.64, 1.2),
        (0.6, FLOOR),
        (0.5, FLOOR),
    ]
    cloth = canvas.mask(build_spline(mirror(outline), closed=True))
    canvas.cast((168, 130, 124), cloth, 0.011, 0.55)
    canvas.place(BLOUSE, cloth)
    for side, strength in ((-1, 0.5), (1, 0.75)):
        canvas.shade((178, 172, 186), cloth * canvas.bump(0.5 + side * 0.085, 0.88, 0.032, 0.15, side * 0.5), strength)
    folds = (
        ((0.478, 0.885), (0.474, 0.98), (0.47, 1.3)),
        ((0.53, 0.875), (0.52, 0.97), (0.524, 1.3)),
        ((0.5, 0.9), (0.499, 1.1), (0.503, 1.6)),
    )
    for path in folds:
        fold = canvas.strokes([(build_spline(path, closed=False), 0.01)])
        canvas.shade((170, 165, 178), canvas.soft(fold, 0.004) * cloth, 0.5)
    rim = np.clip(cloth - canvas.soft(cloth, 0.0035), 0, 1)
    canvas.glow((255, 255, 255), rim, 0.7)


def _sides(points: Points) -> tuple[tuple[int, Points], ...]:
    left = points.copy()
    left[:, 0] = 1 - left[:, 0]
    return (1, points), (-1, left)


def _paint_jacket(canvas: Canvas) -> None:
    shoulder = [
        (0.607, 0.722),
        (0.66, 0.744),
        (0.75, 0.776),
        (0.824, 0.818),
        (0.872, 0.895),
        (0.905, 1.05),
        (0.945, 1.6),
        (0.95, FLOOR),
    ]
    front = [(0.47, FLOOR), (0.478, 1.25), (0.498, 1.08), (0.545, 0.945), (0.592, 0.83)]
    for side, outline in _sides(build_spline([*shoulder, *front], closed=True)):
        cloth = canvas.mask(outline)
        canvas.cast((60, 56, 76), cloth, 0.014, 0.5)
        canvas.place(JACKET, cloth)
        canvas.glow(
            JACKET_LIGHT,
            cloth * canvas.bump(0.5 + side * 0.25, 0.785, 0.16, 0.042, side * 0.32),
            0.36 if side < 0 else 0.18,
        )
        canvas.glow(JACKET_LIGHT, cloth * canvas.bump(0.5 + side * 0.3, 0.93, 0.06, 0.12, side * 0.2), 0.1)
        canvas.shade(JACKET_DARK, cloth * canvas.bump(0.5 + side * 0.42, 1.05, 0.12, 0.3), 0.6)
        crease = build_spline(
            [(0.5 + side * x, y) for x, y in ((0.262, 0.9), (0.27, 0.97), (0.285, 1.1))], closed=False
        )
        canvas.shade(JACKET_DARK, canvas.soft(canvas.strokes([(crease, 0.02)]), 0.009) * cloth, 0.8)
        seam = build_spline([(0.5 + side * x, y) for x, y in ((0.298, 0.79), (0.292, 0.85), (0.3, 0.94))], closed=False)
        canvas.shade(JACKET_DARK, canvas.soft(canvas.strokes([(seam, 0.004)]), 0.0015) * cloth, 0.7)
        rim = np.clip(cloth - canvas.soft(cloth, 0.004), 0, 1) * np.clip((1.1 - canvas.y) / 0.25, 0, 1)
        canvas.glow((190, 212, 240), rim, 0.4 if side > 0 else 0.28)
        _paint_lapel(canvas, side)


def _paint_lapel(canvas: Canvas, side: int) -> None:
    """A notched lapel: straight cuts joined by gentle curves."""
    collar = build_spline([(0.607, 0.72), (0.638, 0.752), (0.658, 0.806)], closed=False)
    notch = np.array([(0.658, 0.806), (0.652, 0.826), (0.69, 0.83)])
    edge = build_spline([(0.69, 0.83), (0.676, 0.89), (0.61, 1.0), (0.515, 1.13)], closed=False)
    inner = build_spline([(0.496, 1.1), (0.545, 0.945), (0.588, 0.838), (0.6, 0.77)], closed=False)
    outline = np.concatenate([collar, notch, edge, inner])
    outline[:, 0] = 0.5 + side * (outline[:, 0] - 0.5)
    lapel = canvas.mask(outline)
    canvas.cast((40, 40, 60), lapel, 0.009, 0.55)
    canvas.lay(JACKET, lapel)
    canvas.glow(JACKET_LIGHT, lapel * canvas.bump(0.5 + side * 0.14, 0.82, 0.05, 0.1), 0.34 if side < 0 else 0.2)
    canvas.shade(JACKET_DARK, lapel * canvas.bump(0.5 + side * 0.09, 0.98, 0.06, 0.1), 0.35)
    gorge = np.array([(0.602, 0.79), (0.652, 0.826)])
    gorge[:, 0] = 0.5 + side * (gorge[:, 0] - 0.5)
    canvas.shade(JACKET_DARK, canvas.soft(canvas.strokes([(gorge, 0.003)], taper=False), 0.0012) * lapel, 0.9)
    canvas.glow(JACKET_LIGHT, np.clip(lapel - canvas.soft(lapel, 0.0025), 0, 1), 0.45)


def _paint_button(canvas: Canvas) -> None:
    """Closes the jacket; only tall pictures show it."""
    disc = np.clip(canvas.bump(0.5, 1.185, 0.013, 0.013) * 6 - 2, 0, 1)
    canvas.shade((30, 30, 50), canvas.bump(0.502, 1.189, 0.016, 0.016), 0.6)
    canvas.lay((28, 36, 58), disc)
    canvas.glow(JACKET_LIGHT, canvas.bump(0.496, 1.181, 0.006, 0.005), 0.4)


def _paint_microphone(canvas: Canvas) -> None:
    body = canvas.mask(build_spline([(0.607, 0.925), (0.617, 0.925), (0.619, 0.958), (0.605, 0.958)], closed=True))
    canvas.shade((20, 20, 30), canvas.soft(body, 0.006), 0.5)
    canvas.lay((26, 28, 34), body)
    canvas.glow((200, 210, 220), canvas.bump(0.609, 0.94, 0.0016, 0.012) * body, 0.5)
    head = canvas.mask(build_spline([(0.604, 0.924), (0.612, 0.914), (0.62, 0.924), (0.612, 0.931)], closed=True))
    canvas.lay((52, 55, 62), head)
    canvas.glow((230, 236, 240), canvas.bump(0.6095, 0.92, 0.003, 0.003), 0.5)
