"""The head's skin: outline, ears, light from modelled relief, blush, brows and nose. No eyes and no mouth."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.layout import EYE_X, EYE_Y, MOUTH_Y
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, build_spline, colour_array, mirror
from avatar_engine.lipsync.drawn.portrait.palette import BLUSH, BROW, GOLD, SKIN_LIGHT, SKIN_MID, SKIN_SHADOW
from avatar_engine.types import Float32

_OUTLINE = [
    (0.5, 0.14),
    (0.575, 0.152),
    (0.627, 0.21),
    (0.645, 0.3),
    (0.648, 0.38),
    (0.643, 0.44),
    (0.628, 0.5),
    (0.602, 0.552),
    (0.567, 0.595),
    (0.533, 0.619),
    (0.5, 0.625),
]
_KEY_LIGHT = (-0.4, -0.5, 0.77)
_NOSE_Y = 0.478


_EAR_FOLDS = (
    (((0.65, 0.376), (0.66, 0.372), (0.664, 0.388), (0.66, 0.412), (0.654, 0.43)), 0.005, 0.7),
    (((0.646, 0.392), (0.654, 0.39), (0.655, 0.408), (0.649, 0.42)), 0.006, 0.65),
)
_EAR_RIM = ((0.648, 0.368), (0.66, 0.365), (0.668, 0.386), (0.665, 0.415), (0.658, 0.436))


def paint_face(canvas: Canvas) -> None:
    """Paint over the neck; hair comes later."""
    part = canvas.part(0.3, 0.1, 0.7, 0.68)
    head = part.mask(build_spline(mirror(_OUTLINE), closed=True))
    part.place(_build_lit_skin(part, head), head)
    _paint_colour(part, head)
    _paint_nose(part.part(0.43, 0.36, 0.57, 0.53))
    _paint_brows(part.part(0.35, 0.26, 0.65, 0.36))


def _build_relief(canvas: Canvas) -> Float32:
    """Height of the face above its plane, in units, float32[h, w]: an egg with brow, nose, cheeks and chin on it."""
    x, y = canvas.x - 0.5, canvas.y
    egg = np.sqrt(np.clip(1 - (x / 0.172) ** 2 - ((y - 0.4) / 0.27) ** 2, 0.02, 1)) * 0.125
    relief = egg.astype(np.float32)
    bridge = np.exp(-((x / 0.019) ** 2)) * np.clip((y - 0.345) / 0.12, 0, 1) ** 1.4 * np.clip((0.486 - y) / 0.024, 0, 1)
    relief += (0.016 * bridge).astype(np.float32)
    relief += 0.0135 * canvas.bump(0.5, _NOSE_Y - 0.013, 0.019, 0.017)
    for side in (-1, 1):
        relief += 0.0042 * canvas.bump(0.5 + side * 0.019, _NOSE_Y - 0.006, 0.01, 0.01)
        relief += 0.013 * canvas.bump(0.5 + side * 0.086, 0.458, 0.044, 0.042)
        relief -= 0.009 * canvas.bump(0.5 + side * EYE_X, EYE_Y, 0.042, 0.026)
        relief += 0.004 * canvas.bump(0.5 + side * EYE_X, EYE_Y - 0.06, 0.05, 0.018)
        relief -= 0.0028 * canvas.bump(0.5 + side * 0.066, 0.527, 0.009, 0.026, -side * 0.5)
    relief += 0.0105 * canvas.bump(0.5, 0.596, 0.04, 0.024)
    relief += 0.008 * canvas.bump(0.5, MOUTH_Y, 0.055, 0.03)
    relief -= 0.0024 * canvas.bump(0.5, 0.507, 0.007, 0.012)
    return canvas.soft(relief, 0.0035)


def _build_lit_skin(canvas: Canvas, head: Float32) -> Float32:
    """Skin colour under a soft key light from the upper left, float32[h, w, 3]."""
    relief = _build_relief(canvas) * canvas.layout.scale
    slope_x = cv2.Sobel(relief, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    slope_y = cv2.Sobel(relief, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    lx, ly, lz = _KEY_LIGHT
    key = canvas.soft((-slope_x * lx - slope_y * ly + lz) / length, 0.005)
    dark = np.clip((0.72 - key) / 0.66, 0, 1)[:, :, None] ** 1.1
    light = np.clip((key - 0.72) / 0.28, 0, 1)[:, :, None]
    skin = np.broadcast_to(colour_array(SKIN_MID), canvas.rgb.shape).copy()
    skin += (colour_array(SKIN_LIGHT) - skin) * light * 0.95
    skin += (colour_array(SKIN_SHADOW) - skin) * dark * 0.72
    return skin


def _paint_colour(canvas: Canvas, head: Float32) -> None:
    for side in (-1, 1):
        canvas.lay(BLUSH, head * canvas.bump(0.5 + side * 0.092, 0.47, 0.04, 0.026, -side * 0.35), 0.21)
        canvas.shade(
            SKIN_SHADOW, head * canvas.bump(0.5 + side * (EYE_X + 0.004), EYE_Y - 0.03, 0.044, 0.013, side * 0.1), 0.34
        )
        canvas.shade(SKIN_SHADOW, head * canvas.bump(0.5 + side * (EYE_X - 0.033), EYE_Y - 0.008, 0.011, 0.02), 0.24)
        canvas.shade(SKIN_SHADOW, head * canvas.bump(0.5 + side * EYE_X, EYE_Y + 0.03, 0.03, 0.006, side * 0.1), 0.05)
        canvas.glow(
            (255, 236, 220),
            head * canvas.bump(0.5 + side * 0.084, 0.436, 0.027, 0.013, -side * 0.35),
            0.24 if side < 0 else 0.14,
        )
    canvas.lay(BLUSH, head * canvas.bump(0.5, 0.466, 0.022, 0.016), 0.17)
    canvas.lay(BLUSH, head * canvas.bump(0.5, 0.603, 0.03, 0.018), 0.1)
    canvas.glow((255, 238, 222), head * canvas.bump(0.478, 0.25, 0.07, 0.045), 0.2)
    canvas.shade(SKIN_SHADOW, head * canvas.bump(0.5, 0.506, 0.005, 0.011), 0.16)
    canvas.glow((255, 238, 222), head * canvas.bump(0.493, 0.505, 0.0035, 0.011), 0.14)
    canvas.glow((255, 238, 222), head * canvas.bump(0.49, 0.596, 0.018, 0.01), 0.22)
    rim = np.clip(head - canvas.soft(head, 0.014), 0, 1)
    canvas.shade(SKIN_SHADOW, rim, 0.5)
    bounce = (
        np.clip(head - canvas.soft(head, 0.006), 0, 1)
        * np.clip((canvas.x - 0.56) / 0.05, 0, 1)
        * np.clip((canvas.y - 0.4) / 0.1, 0, 1)
    )
    canvas.glow((170, 200, 230), bounce.astype(np.float32), 0.3)


def _paint_nose(canvas: Canvas) -> None:
    for side in (-1, 1):
        hole = canvas.bump(0.5 + side * 0.0115, _NOSE_Y + 0.0035, 0.0066, 0.003, side * 0.38)
        canvas.lay((128, 62, 54), np.clip(hole * 1.4 - 0.2, 0, 1), 0.72)
        wing = build_spline(
            [(0.5 + side * x, _NOSE_Y + y) for x, y in ((0.0225, -0.014), (0.0262, -0.006), (0.0225, 0.003))],
            closed=False,
        )
        canvas.shade(SKIN_SHADOW, canvas.soft(canvas.strokes([(wing, 0.005)]), 0.0024), 0.6)
    canvas.shade(SKIN_SHADOW, canvas.bump(0.504, _NOSE_Y + 0.012, 0.024, 0.0075), 0.36)
    canvas.shade(SKIN_SHADOW, canvas.bump(0.522, 0.435, 0.009, 0.034, 0.1), 0.16)
    canvas.glow((255, 246, 236), canvas.bump(0.4955, _NOSE_Y - 0.017, 0.0062, 0.0066), 0.5)
    canvas.glow((255, 240, 226), canvas.bump(0.4965, 0.42, 0.0055, 0.028), 0.2)


def _paint_brows(canvas: Canvas) -> None:
    """A soft tapering shape with fine hairs along it; they lie nearly flat towards the temple."""
    rng = np.random.default_rng(7)
    for side in (-1, 1):
        spine = build_spline(
            [(0.028, 0.3275), (0.054, 0.3195), (0.084, 0.3155), (0.116, 0.331)], closed=False, steps=20
        )
        across = np.linspace(0, 1, len(spine))
        thick = 0.0052 * (1 - across**2.2) * np.clip(across * 7 + 0.45, 0, 1) + 0.0004
        shape = np.concatenate(
            [spine - np.stack([0 * thick, thick], 1), (spine + np.stack([0 * thick, thick], 1))[::-1]]
        )
        shape[:, 0] = 0.5 + side * shape[:, 0]
        canvas.lay(BROW, canvas.soft(canvas.mask(shape), 0.0022), 0.72)
        hairs = []
        for _ in range(60):
            t = rng.uniform(0.0, 0.95)
            at = spine[int(t * (len(spine) - 1))] + np.array((0, rng.uniform(-0.4, 1.0) * 0.005 * (1 - t)))
            lean = 0.5 + 1.05 * min(1.0, t * 1.7) + rng.normal(0, 0.08)
            length = 0.011 + 0.004 * rng.random()
            tip = at + length * np.array((np.sin(lean), -0.62 * np.cos(lean) + 0.22 * t))
            line = np.array([at, (at + tip) / 2, tip])
            line[:, 0] = 0.5 + side * line[:, 0]
            hairs.append((line, 0.0015))
        canvas.lay(BROW, canvas.strokes(hairs), 0.5)


def paint_ear(canvas: Canvas, side: int) -> None:
    """One ear with a small stud; `side` is 1 for the picture's right."""
    canvas = canvas.part(0.5 + side * 0.155 - 0.06, 0.32, 0.5 + side * 0.155 + 0.06, 0.5)
    shape = [
        (0.64, 0.375),
        (0.651, 0.359),
        (0.664, 0.362),
        (0.671, 0.386),
        (0.667, 0.42),
        (0.658, 0.447),
        (0.652, 0.466),
        (0.642, 0.468),
        (0.638, 0.44),
    ]
    ear = canvas.mask(build_spline([(0.5 + side * (x - 0.5), y) for x, y in shape], closed=True))
    canvas.cast((90, 50, 48), ear * (side * (canvas.x - 0.5) > 0.147), 0.005, 0.6)
    canvas.place(SKIN_MID, ear)
    canvas.lay(BLUSH, ear, 0.16)
    canvas.shade(SKIN_SHADOW, ear * canvas.bump(0.5 + side * 0.153, 0.405, 0.008, 0.022), 0.45)
    canvas.shade(SKIN_SHADOW, ear * canvas.bump(0.5 + side * 0.14, 0.42, 0.005, 0.05), 0.4)
    rim = np.clip(ear - canvas.soft(ear, 0.0035), 0, 1) * np.clip((side * (canvas.x - 0.5) - 0.145) / 0.008, 0, 1)
    canvas.shade(SKIN_SHADOW, rim, 0.55)
    for path, width, strength in _EAR_FOLDS:
        line = build_spline([(0.5 + side * (x - 0.5), y) for x, y in path], closed=False)
        canvas.shade(SKIN_SHADOW, canvas.soft(canvas.strokes([(line, width)]), 0.0016) * ear, strength)
    rim = build_spline([(0.5 + side * (x - 0.5), y) for x, y in _EAR_RIM], closed=False)
    canvas.glow((255, 226, 206), canvas.soft(canvas.strokes([(rim, 0.0035)]), 0.0012), 0.42)
    stud = (0.5 + side * 0.1475, 0.458)
    canvas.shade(SKIN_SHADOW, canvas.bump(stud[0] + 0.001, stud[1] + 0.002, 0.006, 0.006), 0.5)
    canvas.lay(GOLD, np.clip(canvas.bump(*stud, 0.0052, 0.0052) * 3 - 1, 0, 1))
    canvas.glow((255, 250, 230), canvas.bump(stud[0] - 0.0016, stud[1] - 0.0018, 0.002, 0.002), 0.95)
