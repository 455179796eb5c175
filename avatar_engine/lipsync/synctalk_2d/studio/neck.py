"""Paints the neck and what the collar leaves free of the chest, in the same light as the face."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, build_spline, colour_array, mirror
from avatar_engine.lipsync.drawn.portrait.palette import GOLD
from avatar_engine.lipsync.synctalk_2d.studio.light import build_normals, shade_skin
from avatar_engine.lipsync.synctalk_2d.studio.skin import SKIN
from avatar_engine.types import Float32

_OUTLINE = [
    (0.5, 0.48),
    (0.550, 0.5),
    (0.5545, 0.6),
    (0.5575, 0.655),
    (0.574, 0.706),
    (0.645, 0.78),
    (0.62, 0.96),
    (0.5, 1.0),
]
_DROP = [(0.5, 0.806), (0.526, 0.792), (0.551, 0.757), (0.567, 0.704)]
_SHADOW = (176, 104, 92)


def paint_neck(canvas: Canvas) -> None:
    """Neck, collarbones and the fine chain."""
    part = canvas.part(0.28, 0.45, 0.72, 1.05)
    neck = part.mask(build_spline(mirror(_OUTLINE), closed=True))
    albedo = np.broadcast_to(colour_array(SKIN), part.rgb.shape).copy()
    relief = _build_relief(part)
    hollow = part.soft(relief, 0.012) - relief
    open_sky = np.clip(1 - 60 * np.maximum(hollow, 0), 0.4, 1).astype(np.float32)
    gloss = np.full(neck.shape, 0.3, np.float32)
    part.place(shade_skin(albedo, build_normals(relief, part.layout.scale), gloss, open_sky), neck)
    part.shade(_SHADOW, neck * part.bump(0.512, 0.615, 0.12, 0.060), 0.55)
    _paint_chain(part, neck)


def _build_relief(canvas: Canvas) -> Float32:
    """Height of throat and chest in units, float32[h, w]."""
    x, y = canvas.x - 0.5, canvas.y
    spread = np.clip((y - 0.66) / 0.14, 0, 1) ** 1.5
    radius = 0.064 + 0.16 * spread
    relief = (0.058 - 0.01 * spread) * np.sqrt(np.clip(1 - (x / radius) ** 2, 0.015, 1))
    for side in (-1, 1):
        path = [(0.5 + side * dx, dy) for dx, dy in ((0.050, 0.60), (0.042, 0.67), (0.029, 0.73), (0.016, 0.768))]
        cord = canvas.strokes([(build_spline(path, closed=False), 0.018)])
        relief = relief + 0.0052 * canvas.soft(cord, 0.0065)
        bone = [(0.5 + side * dx, dy) for dx, dy in ((0.016, 0.778), (0.05, 0.770), (0.11, 0.757), (0.15, 0.75))]
        ridge = canvas.strokes([(build_spline(bone, closed=False), 0.012)])
        relief = relief + 0.0050 * canvas.soft(ridge, 0.0045)
    relief = relief - 0.006 * canvas.bump(0.5, 0.776, 0.012, 0.014)
    return canvas.soft(relief.astype(np.float32), 0.003)


def _paint_chain(canvas: Canvas, neck: Float32) -> None:
    chain = build_spline([*[(1 - x, y) for x, y in _DROP[:0:-1]], *_DROP], closed=False)
    shadow = canvas.soft(canvas.strokes([(chain + np.array((0.001, 0.004)), 0.003)], taper=False), 0.0018)
    canvas.shade(_SHADOW, shadow * neck, 0.5)
    canvas.lay(GOLD, canvas.strokes([(chain, 0.0019)], taper=False) * neck, 0.9)
    canvas.lay(GOLD, np.clip(canvas.bump(0.5, 0.811, 0.006, 0.006) * 2.4 - 1, 0, 1))
    canvas.glow((255, 250, 230), canvas.bump(0.4985, 0.8095, 0.0022, 0.0022), 0.9)
