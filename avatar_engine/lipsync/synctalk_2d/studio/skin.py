"""The skin of the head: lit once at rest, and once more for every way in which speech changes its form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatar_engine.lipsync.drawn.layout import EYE_X, EYE_Y, MOUTH_Y
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, build_spline, colour_array
from avatar_engine.lipsync.synctalk_2d.studio.light import build_normals, shade_skin
from avatar_engine.lipsync.synctalk_2d.studio.relief import NOSE_Y, build_fold, build_head_mask, build_relief
from avatar_engine.types import Float32

SKIN = (241, 190, 166)
_ROSE = (232, 128, 112)
_LID = (206, 138, 118)
_DEEP = (150, 74, 62)
EFFORTS = ("smile", "wide", "open", "round", "press")
"""What speech does to the form of the lower face; each is a share 0..1."""


@dataclass(frozen=True, slots=True)
class Skin:
    """rest: RGB float32[h, w, 3] 0..255 of the head's skin, meaningful where `head` float32[h, w] covers.

    changes: what each effort at 1 adds to `rest`, by name, float32[h, w, 3].
    """

    head: Float32
    rest: Float32
    changes: dict[str, Float32]


def build_skin(canvas: Canvas) -> Skin:
    """Skin for the whole canvas, without eyes, brows and mouth."""
    head = build_head_mask(canvas)
    relief = build_relief(canvas, head)
    albedo, gloss = _build_albedo(canvas), _build_gloss(canvas)
    rest = _light(canvas, relief, albedo, gloss)
    changes = {}
    for effort in EFFORTS:
        moved = _light(canvas, relief + _build_effort(canvas, effort), albedo, gloss)
        changes[effort] = moved - rest
    return Skin(head, rest, changes)


def _light(canvas: Canvas, relief: Float32, albedo: Float32, gloss: Float32) -> Float32:
    hollow = canvas.soft(relief, 0.012) - relief
    wide_hollow = canvas.soft(relief, 0.03) - relief
    open_sky = np.clip(1 - 70 * np.maximum(hollow, 0) - 14 * np.maximum(wide_hollow - 0.002, 0), 0.25, 1)
    normals = build_normals(relief, canvas.layout.scale)
    return shade_skin(albedo, normals, gloss, open_sky.astype(np.float32))


def _build_albedo(canvas: Canvas) -> Float32:
    """Colour of the skin in flat light: rosier cheeks, nose and chin, darker lids, a warm forehead."""
    colour = np.broadcast_to(colour_array(SKIN), canvas.rgb.shape).copy()

    def tint(tone: tuple[int, int, int], mask: Float32, share: float) -> None:
        colour[:] += (colour_array(tone) - colour) * (mask * np.float32(share))[:, :, None]

    tint((246, 200, 172), canvas.bump(0.5, 0.24, 0.11, 0.09), 0.5)
    for side in (-1, 1):
        tint(_ROSE, canvas.bump(0.5 + side * 0.094, 0.462, 0.046, 0.03, -side * 0.4), 0.25)
        tint(_LID, canvas.bump(0.5 + side * (EYE_X + 0.003), EYE_Y - 0.017, 0.04, 0.0125, side * 0.12), 0.6)
        tint(_LID, canvas.bump(0.5 + side * (EYE_X + 0.018), EYE_Y - 0.03, 0.032, 0.013, side * 0.3), 0.28)
        tint(_ROSE, canvas.bump(0.5 + side * EYE_X, EYE_Y + 0.026, 0.034, 0.009), 0.12)
        tint(_ROSE, canvas.bump(0.5 + side * 0.02, NOSE_Y + 0.001, 0.01, 0.01), 0.2)
    tint(_ROSE, canvas.bump(0.5, NOSE_Y - 0.007, 0.019, 0.015), 0.2)
    tint(_ROSE, canvas.bump(0.5, 0.603, 0.03, 0.02), 0.14)
    tint((226, 160, 138), canvas.bump(0.5, MOUTH_Y, 0.064, 0.032), 0.16)
    _tint_nostrils(canvas, colour)
    return colour


def _tint_nostrils(canvas: Canvas, colour: Float32) -> None:
    for side in (-1, 1):
        hole = canvas.bump(0.5 + side * 0.0118, NOSE_Y + 0.0058, 0.0064, 0.0026, side * 0.40)
        dark = np.clip(hole * 1.7 - 0.25, 0, 1) * np.float32(0.72)
        colour += (colour_array((112, 46, 40)) - colour) * dark[:, :, None]
        wing = build_spline(
            [
                (0.5 + side * x, NOSE_Y + y)
                for x, y in ((0.0235, -0.010), (0.0274, -0.003), (0.0255, 0.0045), (0.019, 0.0072))
            ],
            closed=False,
        )
        crease = canvas.soft(canvas.strokes([(wing, 0.0044)]), 0.0016) * np.float32(0.42)
        colour += (colour_array(_DEEP) - colour) * crease[:, :, None]
    under = canvas.bump(0.502, NOSE_Y + 0.0112, 0.02, 0.0052) * np.float32(0.2)
    colour += (colour_array(_DEEP) - colour) * under[:, :, None]
    fall = canvas.bump(0.5225, 0.452, 0.0085, 0.034, 0.16) * np.float32(0.16)
    colour += (colour_array(_DEEP) - colour) * fall[:, :, None]


def _build_gloss(canvas: Canvas) -> Float32:
    gloss = np.full(canvas.rgb.shape[:2], 0.42, np.float32)
    gloss += 0.8 * canvas.bump(0.498, NOSE_Y - 0.012, 0.013, 0.012)
    gloss += 0.26 * canvas.bump(0.498, 0.43, 0.008, 0.04)
    gloss += 0.4 * canvas.bump(0.5, 0.24, 0.08, 0.04)
    for side in (-1, 1):
        gloss += 0.4 * canvas.bump(0.5 + side * 0.09, 0.433, 0.035, 0.015, -side * 0.35)
    return gloss


def _build_effort(canvas: Canvas, effort: str) -> Float32:
    """What one effort at 1 adds to the relief, in units, float32[h, w]."""
    change = np.zeros(canvas.rgb.shape[:2], np.float32)
    for side in (-1, 1):
        fold = build_fold(canvas, side, 0.0055)
        apple = canvas.bump(0.5 + side * 0.085, 0.462, 0.036, 0.028, -side * 0.35)
        beside = canvas.bump(0.5 + side * 0.082, 0.535, 0.02, 0.028)
        if effort == "smile":
            change += 0.0055 * apple - 0.0036 * fold + 0.002 * beside
        elif effort == "wide":
            change += 0.003 * apple - 0.0030 * fold + 0.0016 * beside
        elif effort == "open":
            change += -0.0022 * fold - 0.0055 * canvas.bump(0.5 + side * 0.09, 0.53, 0.026, 0.04) - 0.002 * apple
        elif effort == "round":
            change += -0.0045 * canvas.bump(0.5 + side * 0.078, 0.525, 0.022, 0.032) - 0.0008 * fold
        elif effort == "press":
            change += 0.0014 * canvas.bump(0.5 + side * 0.022, 0.582, 0.013, 0.009)
    if effort == "round":
        change += 0.008 * canvas.bump(0.5, MOUTH_Y, 0.042, 0.032)
    if effort == "press":
        change += 0.0022 * canvas.bump(0.5, 0.594, 0.026, 0.013) - 0.0014 * canvas.bump(0.5, 0.5685, 0.03, 0.006)
    if effort == "open":
        change -= 0.004 * canvas.bump(0.5, 0.575, 0.04, 0.016)
    return change
