"""The head's skin: outline, ears, light from modelled relief, blush, brows and nose. No eyes and no mouth."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.layout import EYE_X, EYE_Y, MOUTH_Y
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, build_spline, colour_array, mirror
from avatar_engine.lipsync.drawn.portrait.palette import BLUSH, BROW, SKIN_LIGHT, SKIN_MID, SKIN_SHADOW
from avatar_engine.types import Float32

_OUTLINE = [
    (0.5, 0.15),
    (0.575, 0.16),
    (0.627, 0.215),
    (0.645, 0.3),
    (0.648, 0.38),
    (0.643, 0.44),
    (0.63, 0.505),
    (0.606, 0.562),
    (0.572, 0.603),
    (0.535, 0.627),
    (0.5, 0.633),
]
_KEY_LIGHT = (-0.42, -0.5, 0.76)


def paint_face(canvas: Canvas) -> None:
    """Paint over the neck; hair comes later."""
    _paint_ears(canvas)
    head = canvas.mask(build_spline(mirror(_OUTLINE), closed=True))
    canvas.lay(_build_lit_skin(canvas, head), head)
    _paint_colour(canvas, head)
    _paint_nose(canvas)
    _paint_brows(canvas)


def _build_relief(canvas: Canvas) -> Float32:
    """Height of the face above its plane, in units, float32[h, w]: an egg with brow, nose, cheeks and chin on it."""
    x, y = canvas.x - 0.5, canvas.y
    egg = np.sqrt(np.clip(1 - (x / 0.17) ** 2 - ((y - 0.4) / 0.27) ** 2, 0.02, 1)) * 0.13
    relief = egg.astype(np.float32)
    bridge = np.exp(-((x / 0.018) ** 2)) * np.clip((y - 0.33) / 0.13, 0, 1) ** 1.3 * np.clip((0.492 - y) / 0.02, 0, 1)
    relief += (0.024 * bridge).astype(np.float32)
    relief += 0.016 * canvas.bump(0.5, 0.468, 0.019, 0.017)
    for side in (-1, 1):
        relief += 0.006 * canvas.bump(0.5 + side * 0.021, 0.474, 0.011, 0.011)
        relief += 0.012 * canvas.bump(0.5 + side * 0.086, 0.455, 0.042, 0.042)
        relief -= 0.011 * canvas.bump(0.5 + side * EYE_X, EYE_Y, 0.042, 0.024)
        relief += 0.005 * canvas.bump(0.5 + side * EYE_X, EYE_Y - 0.06, 0.05, 0.018)
    relief += 0.012 * canvas.bump(0.5, 0.602, 0.042, 0.026)
    relief += 0.009 * canvas.bump(0.5, MOUTH_Y, 0.055, 0.03)
    relief -= 0.003 * canvas.bump(0.5, 0.51, 0.007, 0.013)
    return canvas.soft(relief, 0.0035)


def _build_lit_skin(canvas: Canvas, head: Float32) -> Float32:
    """Skin colour under a soft key light from the upper left, float32[h, w, 3]."""
    relief = _build_relief(canvas) * canvas.layout.scale
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    lx, ly, lz = _KEY_LIGHT
    key = (-slope_x * lx - slope_y * ly + lz) / length
    key = canvas.soft(key, 0.004)
    dark = np.clip((0.74 - key) / 0.62, 0, 1)[:, :, None] ** 1.1
    light = np.clip((key - 0.74) / 0.26, 0, 1)[:, :, None]
    skin = np.broadcast_to(colour_array(SKIN_MID), canvas.rgb.shape).copy()
    skin += (colour_array(SKIN_LIGHT) - skin) * light * 0.95
    skin += (colour_array(SKIN_SHADOW) - skin) * dark * 0.8
    return skin


def _paint_colour(canvas: Canvas, head: Float32) -> None:
    for side in (-1, 1):
        canvas.lay(BLUSH, head * canvas.bump(0.5 + side * 0.088, 0.472, 0.042, 0.03, -side * 0.3), 0.26)
        canvas.shade(SKIN_SHADOW, head * canvas.bump(0.5 + side * EYE_X, EYE_Y - 0.026, 0.044, 0.014, side * 0.12), 0.3)
        canvas.shade(SKIN_SHADOW, head * canvas.bump(0.5 + side * (EYE_X - 0.03), EYE_Y - 0.005, 0.012, 0.02), 0.25)
        canvas.glow(
            (255, 236, 220),
            head * canvas.bump(0.5 + side * 0.082, 0.432, 0.026, 0.013, -side * 0.35),
            0.28 if side < 0 else 0.14,
        )
    canvas.lay(BLUSH, head * canvas.bump(0.5, 0.47, 0.022, 0.018), 0.16)
    canvas.lay(BLUSH, head * canvas.bump(0.5, 0.61, 0.03, 0.02), 0.1)
    canvas.glow((255, 238, 222), head * canvas.bump(0.478, 0.25, 0.07, 0.045), 0.22)
    rim = np.clip(head - canvas.soft(head, 0.014), 0, 1)
    canvas.shade(SKIN_SHADOW, rim, 0.55)


def _paint_nose(canvas: Canvas) -> None:
    for side in (-1, 1):
        hole = canvas.bump(0.5 + side * 0.0135, 0.4855, 0.0072, 0.0036, side * 0.35)
        canvas.lay((112, 52, 44), np.clip(hole * 1.5 - 0.25, 0, 1), 0.75)
        wing = build_spline(
            [(0.5 + side * 0.0255, 0.463), (0.5 + side * 0.0305, 0.474), (0.5 + side * 0.0265, 0.4855)], closed=False
        )
        canvas.shade(SKIN_SHADOW, canvas.soft(canvas.strokes([(wing, 0.006)]), 0.0022), 0.75)
    canvas.shade(SKIN_SHADOW, canvas.bump(0.506, 0.494, 0.026, 0.008), 0.42)
    canvas.shade(SKIN_SHADOW, canvas.bump(0.526, 0.43, 0.009, 0.04, 0.12), 0.28)
    canvas.glow((255, 244, 232), canvas.bump(0.4955, 0.4625, 0.0058, 0.0072), 0.55)
    canvas.glow((255, 240, 226), canvas.bump(0.4965, 0.415, 0.005, 0.034), 0.3)


def _paint_brows(canvas: Canvas) -> None:
    rng = np.random.default_rng(7)
    for side in (-1, 1):
        hairs = []
        spine = build_spline([(0.024, 0.327), (0.052, 0.313), (0.082, 0.309), (0.113, 0.327)], closed=False, steps=20)
        for t in np.linspace(0.02, 0.97, 74):
            at = spine[int(t * (len(spine) - 1))]
            thick = 0.0115 * np.sin(np.pi * min(1.0, 0.2 + 0.8 * (1 - t))) ** 0.7 * (0.55 + 0.45 * (1 - t))
            start = at + (0, thick * rng.uniform(0.1, 0.75))
            lean = 0.25 + 1.0 * t + rng.normal(0, 0.1)
            length = 0.016 + 0.006 * rng.random()
            tip = start + (length * np.sin(lean), -length * np.cos(lean) * 0.75)
            middle = (start + tip) / 2 + (0.001, -0.0006)
            line = np.array([start, middle, tip])
            line[:, 0] = 0.5 + side * line[:, 0]
            hairs.append((build_spline([tuple(p) for p in line], closed=False, steps=4), 0.0027))
        cover = canvas.strokes(hairs)
        canvas.lay(BROW, canvas.soft(cover, 0.0045), 0.5)
        canvas.lay(BROW, cover, 0.62)


def _paint_ears(canvas: Canvas) -> None:
    for side in (-1, 1):
        points = [
            (0.636, 0.365),
            (0.655, 0.35),
            (0.668, 0.372),
            (0.664, 0.42),
            (0.652, 0.455),
            (0.638, 0.46),
            (0.63, 0.42),
        ]
        outline = build_spline([(0.5 + side * (x - 0.5), y) for x, y in points], closed=True)
        ear = canvas.mask(outline)
        canvas.lay(SKIN_MID, ear)
        canvas.shade(SKIN_SHADOW, ear * canvas.bump(0.5 + side * 0.148, 0.405, 0.012, 0.035), 0.8)
        canvas.shade(SKIN_SHADOW, np.clip(ear - canvas.soft(ear, 0.004), 0, 1), 0.6)
