"""Draws the mouth: every pixel from closed curves of its column, so any shape is smooth and sharp-edged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatar_engine.lipsync.drawn.column_patch import ColumnPatch, lay
from avatar_engine.lipsync.drawn.layout import JAW_DROP, MOUTH_HALF_WIDTH, MOUTH_X, MOUTH_Y, Layout
from avatar_engine.lipsync.drawn.shape import MouthShape
from avatar_engine.types import Float32, UInt8

REACH_X = 0.077
REACH_UP = 0.036
REACH_DOWN = 0.096
_TEETH_EDGE = 0.0098
"""The upper teeth end this far below the lip line; they belong to the skull and do not move."""

CHIN_SHARE = 0.62
"""The chin goes down by this share of the gap; the lower lip slides over it."""

_CAVITY = np.array((46, 12, 18), np.float32)
_CAVITY_DEEP = np.array((22, 5, 9), np.float32)
_TOOTH = np.array((232, 222, 212), np.float32)
_TOOTH_SHADE = np.array((140, 108, 104), np.float32)
_TONGUE = np.array((196, 92, 98), np.float32)
_TONGUE_SHADE = np.array((112, 36, 46), np.float32)
_UPPER_LIP = np.array((176, 74, 76), np.float32)
_UPPER_LIP_EDGE = np.array((190, 98, 92), np.float32)
_LOWER_LIP = np.array((206, 104, 102), np.float32)
_LOWER_LIP_EDGE = np.array((172, 78, 76), np.float32)
_SHINE = np.array((255, 222, 212), np.float32)
_LINE = np.array((92, 26, 32), np.float32)


@dataclass(frozen=True, slots=True)
class _Curves:
    """Heights of the lip edges per column in units below the lip line, float32[columns]; `inside` 0 at the corners."""

    across: Float32
    outer_top: Float32
    inner_top: Float32
    inner_bottom: Float32
    outer_bottom: Float32
    inside: Float32
    opening: float


def measure_opening(shape: MouthShape) -> float:
    """Height of the gap between the lips, in units of the figure; 0 when they touch."""
    return (1 - min(1.0, shape.press * 1.15)) * (JAW_DROP * shape.jaw * (1 - 0.3 * shape.round) + 0.006 * shape.upper)


def measure_chin_drop(shape: MouthShape) -> float:
    """How far the chin belongs below its resting place with this mouth, in units of the figure."""
    return CHIN_SHARE * measure_opening(shape)


def _build_curves(x: Float32, shape: MouthShape) -> _Curves:
    half = MOUTH_HALF_WIDTH * (1 + 0.17 * shape.width - 0.3 * shape.round - 0.1 * shape.jaw)
    u = x / half
    inside = np.clip(1 - u * u, 0, 1)
    opening = measure_opening(shape)
    lift = min(opening, 0.004 * shape.jaw + 0.007 * shape.upper * (1 - shape.press))
    corner = -0.019 * shape.smile - 0.003 * shape.width
    rest = corner * np.clip(np.abs(u), 0, 1.3) ** 2.5 + 0.0022 * np.cos(u * 6.0) * inside
    gap = np.clip(1 - (u / 0.94) ** 2, 0, 1) ** (0.5 + 0.08 * shape.jaw - 0.12 * shape.round)
    inner_top = rest - lift * gap
    inner_bottom = rest + (opening - lift) * gap
    pout = 1 + 0.25 * shape.round - 0.42 * shape.press
    bow = (
        1
        - (0.2 - 0.12 * shape.round) * np.exp(-((u / 0.13) ** 2))
        + (0.16 - 0.1 * shape.round) * np.exp(-(((np.abs(u) - 0.27) / 0.2) ** 2))
    )
    upper = 0.0148 * pout * (1 - 0.18 * shape.width) * (1 - 0.2 * shape.jaw) * bow * inside**0.72
    lower = 0.0205 * pout * (1 - 0.12 * shape.width - 0.28 * shape.round) * (1 - 0.55 * shape.tuck)
    lower = lower * inside ** (0.5 - 0.14 * shape.round)
    inner_bottom = inner_bottom - 0.004 * shape.tuck * inside
    return _Curves(u, inner_top - upper, inner_top, inner_bottom, inner_bottom + lower, inside, opening)


class MouthPainter:
    """Paints mouths into one painting. The skin underneath is what the painting showed at first."""

    def __init__(self, painting: UInt8, layout: Layout) -> None:
        self._patch = ColumnPatch(painting, layout, (MOUTH_X, MOUTH_Y), REACH_X, REACH_UP, REACH_DOWN)
        self._grain = _build_grain(self._patch.x, self._patch.y)

    def paint(self, painting: UInt8, shape: MouthShape) -> None:
        """Draw `shape` over the mouth's box of the painting, uint8[h, w, 4]."""
        curves = _build_curves(self._patch.x, shape)
        picture = self._shade_skin(curves)
        self._draw_lips(picture, curves)
        if curves.opening > 1e-4:
            self._draw_inside(picture, curves, shape)
        self._patch.write(painting, picture)

    def _shade_skin(self, curves: _Curves) -> Float32:
        """Skin with the shadow under the lower lip, the dimple of the corners and the groove above the lip."""
        under = self._patch.y - curves.outer_bottom - 0.0075
        shadow = 0.2 * np.exp(-((under / 0.0085) ** 2)) * np.clip(curves.inside, 0, 1) ** 0.5
        edge = np.abs(curves.across) - 1.02
        corner = 0.16 * np.exp(-((edge / 0.085) ** 2) - ((self._patch.y - curves.inner_top) / 0.0055) ** 2)
        dark = np.clip(shadow + corner, 0, 0.6)[:, :, None]
        shaded: Float32 = self._patch.skin * (1 - dark * np.array((0.62, 0.86, 0.92), np.float32))
        return shaded

    def _draw_lips(self, picture: Float32, curves: _Curves) -> None:
        y = self._patch.y
        upper = (self._patch.cover(curves.outer_top) - self._patch.cover(curves.inner_top)) * (curves.inside > 0)
        depth = np.clip((y - curves.outer_top) / np.maximum(curves.inner_top - curves.outer_top, 1e-4), 0, 1)
        tone = _UPPER_LIP_EDGE + (_UPPER_LIP - _UPPER_LIP_EDGE) * depth[:, :, None]
        tone = tone * (1.04 - 0.26 * depth**3 + self._grain)[:, :, None]
        lay(picture, tone, upper)
        lower = (self._patch.cover(curves.inner_bottom) - self._patch.cover(curves.outer_bottom)) * (curves.inside > 0)
        depth = np.clip((y - curves.inner_bottom) / np.maximum(curves.outer_bottom - curves.inner_bottom, 1e-4), 0, 1)
        tone = _LOWER_LIP + (_LOWER_LIP_EDGE - _LOWER_LIP) * (depth**1.6)[:, :, None]
        tone = tone * (0.8 + 0.24 * np.clip(depth * 4, 0, 1) + self._grain)[:, :, None]
        shine = np.exp(-(((depth - 0.36) / 0.17) ** 2)) * np.exp(-(((curves.across + 0.14) / 0.42) ** 2))
        tone += (_SHINE - tone) * (0.36 * shine * (1 + 3 * self._grain))[:, :, None]
        lay(picture, tone, lower)
        seam = np.exp(-(((y - curves.inner_top) / (1.1 * self._patch.pixel + 0.0012)) ** 2)) * (curves.inside > 0)
        lay(picture, _LINE, seam * 0.8 * np.clip(curves.inside * 6, 0, 1))

    def _draw_inside(self, picture: Float32, curves: _Curves, shape: MouthShape) -> None:
        y = self._patch.y
        mouth = self._patch.cover(curves.inner_top) - self._patch.cover(curves.inner_bottom)
        room = np.maximum(curves.inner_bottom - curves.inner_top, 1e-4)
        depth = np.clip((y - curves.inner_top) / room, 0, 1)
        tone = _CAVITY + (_CAVITY_DEEP - _CAVITY) * (1 - depth[:, :, None])
        if shape.tongue < 0.6:
            self._draw_tongue(tone, curves, shape)
        self._draw_teeth(tone, curves, shape)
        if shape.tongue >= 0.6:
            self._draw_tongue(tone, curves, shape)
        tone *= (0.5 + 0.5 * np.clip((y - curves.inner_top) / 0.0065, 0, 1))[:, :, None]
        tone *= (0.55 + 0.45 * np.clip(curves.inside * 2.2, 0, 1))[:, None]
        lay(picture, tone, np.clip(mouth, 0, 1) * (curves.inside > 0))

    def _draw_teeth(self, tone: Float32, curves: _Curves, shape: MouthShape) -> None:
        u = curves.across
        arch = np.clip(1 - (u / 1.05) ** 2, 0, 1)
        gum = -0.012
        edge = gum + (_TEETH_EDGE - gum) * min(1.0, 0.55 + 0.6 * shape.teeth) * arch**0.35
        edge = edge + 0.0008 * np.abs(np.sin(u * 9.5))
        upper = 1 - self._patch.cover(edge.astype(np.float32))
        light = np.clip(0.2 + 0.9 * arch, 0, 1) - 0.16 * np.exp(-((np.sin(u * 9.5) / 0.1) ** 2))
        colour = _TOOTH_SHADE + (_TOOTH - _TOOTH_SHADE) * light[:, None]
        lay(tone, np.broadcast_to(colour, tone.shape), upper * min(1.0, 8 * shape.teeth))
        if shape.teeth > 0.5:
            rise = curves.opening * 0.98 - 0.0085 * (shape.teeth - 0.4)
            top = (rise + 0.002 * (1 - arch)).astype(np.float32)
            lower = self._patch.cover(top) * min(1.0, (shape.teeth - 0.5) * 3) * (1 - shape.tuck)
            lay(tone, np.broadcast_to(colour * 0.86, tone.shape), lower)

    def _draw_tongue(self, tone: Float32, curves: _Curves, shape: MouthShape) -> None:
        u = curves.across
        low = float(np.max(curves.inner_bottom))
        height = 0.34 * curves.opening * (1 + 1.6 * shape.tongue)
        top = low - height * np.clip(1 - (u / 0.72) ** 2, 0, 1) ** 0.6 + 0.02 * (np.abs(u) > 0.72)
        cover = self._patch.cover(top.astype(np.float32))
        lit = np.clip((self._patch.y - top) / max(height, 1e-4), 0, 1)
        colour = _TONGUE + (_TONGUE_SHADE - _TONGUE) * (0.25 + 0.75 * lit)[:, :, None]
        groove = 0.2 * np.exp(-((u / 0.06) ** 2)) * (1 - shape.tongue)
        lay(tone, colour * (1 - groove)[:, None], cover)


def _build_grain(x: Float32, y: Float32) -> Float32:
    """Fine upright creases of the lips, about -0.04..0.04."""
    waves = np.sin(x * 900 + 3 * np.sin(x * 210)) + 0.6 * np.sin(x * 1450 + 1.3) + 0.5 * np.sin(x * 420 + y * 90)
    grain: Float32 = (0.018 * waves).astype(np.float32)
    return grain
