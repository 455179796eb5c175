"""The form of the face: its outline and how far each point stands forward of it."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.layout import EYE_X, EYE_Y, MOUTH_Y
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, build_spline, mirror
from avatar_engine.types import Float32

OUTLINE = [
    (0.5, 0.125),
    (0.57, 0.138),
    (0.620, 0.19),
    (0.642, 0.275),
    (0.6475, 0.355),
    (0.6450, 0.42),
    (0.6345, 0.476),
    (0.6140, 0.527),
    (0.5860, 0.570),
    (0.5545, 0.603),
    (0.526, 0.6215),
    (0.5, 0.6265),
]
"""The right half of the head's outline, from the crown to the chin, in units."""
NOSE_Y = 0.478
_FOLD = ((0.030, 0.486), (0.046, 0.500), (0.060, 0.522), (0.067, 0.546))
"""The fold from the wing of the nose to the corner of the mouth, as distances from the middle line."""


def build_head_mask(canvas: Canvas) -> Float32:
    """Coverage of the head, float32[h, w]."""
    return canvas.mask(build_spline(mirror(OUTLINE), closed=True))


def build_relief(canvas: Canvas, head: Float32) -> Float32:
    """Height of the resting face in units, float32[h, w]."""
    relief = _build_skull(canvas, head)
    relief += _build_nose(canvas)
    for side in (-1, 1):
        relief += _build_side(canvas, side)
    relief += 0.0095 * canvas.bump(0.5, MOUTH_Y - 0.004, 0.05, 0.034)
    relief -= 0.0013 * canvas.bump(0.5, 0.5065, 0.0056, 0.012)
    relief -= 0.0042 * canvas.bump(0.5, 0.5705, 0.032, 0.0085)
    relief += 0.0105 * canvas.bump(0.5, 0.599, 0.033, 0.0215)
    relief += 0.006 * canvas.bump(0.5, 0.235, 0.085, 0.055)
    return canvas.soft(relief, 0.0022)


def _build_skull(canvas: Canvas, head: Float32) -> Float32:
    """The outline inflated, plus the slow curve of the whole."""
    x, y = canvas.x - 0.5, canvas.y
    inside = cv2.distanceTransform((head > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / np.float32(canvas.layout.scale)
    round_off = np.clip(inside / 0.105, 0, 1)
    inflated = 0.075 * np.sqrt(np.clip(1 - (1 - round_off) ** 2, 0, 1))
    egg = 0.135 * np.sqrt(np.clip(1 - (x / 0.2) ** 2 - ((y - 0.40) / 0.31) ** 2, 0.02, 1))
    skull: Float32 = canvas.soft((inflated + egg).astype(np.float32), 0.009)
    return skull


def _build_nose(canvas: Canvas) -> Float32:
    x, y = canvas.x - 0.5, canvas.y
    along = np.clip((y - 0.348) / (0.472 - 0.348), 0, 1)
    height = 0.0235 * along**1.35 / (1 + np.exp(np.clip((y - 0.4865) / 0.0030, -30, 30)))
    width = 0.0088 + 0.0062 * along
    nose: Float32 = (height * np.exp(-((x / width) ** 2))).astype(np.float32)
    nose = nose + 0.0105 * canvas.bump(0.5, NOSE_Y - 0.0075, 0.0142, 0.0128)
    for side in (-1, 1):
        nose = nose + 0.0082 * canvas.bump(0.5 + side * 0.0192, NOSE_Y - 0.0005, 0.0080, 0.0080)
        nose = nose - 0.0022 * canvas.bump(0.5 + side * 0.0298, NOSE_Y, 0.0048, 0.0105)
    return nose


def _build_side(canvas: Canvas, side: int) -> Float32:
    """One half's socket, lid, brow, cheek and folds; `side` is 1 for the picture's right."""
    eye = 0.5 + side * EYE_X
    part = -0.0135 * canvas.bump(eye, EYE_Y - 0.006, 0.043, 0.026)
    part -= 0.0075 * canvas.bump(0.5 + side * 0.0295, EYE_Y - 0.004, 0.013, 0.022)
    part += 0.0095 * canvas.bump(eye, EYE_Y + 0.003, 0.035, 0.019)
    part += 0.006 * canvas.bump(0.5 + side * 0.064, EYE_Y - 0.05, 0.05, 0.014, side * 0.1)
    part += 0.014 * canvas.bump(0.5 + side * 0.087, 0.455, 0.042, 0.036, -side * 0.3)
    part -= 0.0062 * canvas.bump(0.5 + side * 0.096, 0.53, 0.028, 0.046, side * 0.35)
    part -= 0.004 * canvas.bump(0.5 + side * 0.122, 0.29, 0.03, 0.05)
    part -= 0.0016 * build_fold(canvas, side, 0.0058)
    part += 0.0008 * canvas.bump(0.5 + side * 0.0092, 0.5075, 0.0042, 0.012)
    return part


def build_fold(canvas: Canvas, side: int, radius: float) -> Float32:
    """Where the nasolabial fold runs, soft over `radius` units, float32[h, w] up to about 1."""
    path = build_spline([(0.5 + side * x, y) for x, y in _FOLD], closed=False)
    line = canvas.soft(canvas.strokes([(path, radius * 1.6)]), radius)
    peak: Float32 = line / np.float32(max(float(line.max()), 1e-6))
    return peak
