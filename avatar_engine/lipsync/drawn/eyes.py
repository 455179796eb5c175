"""Draws the eyes: lids, lashes, iris and light, from curves over the columns of each eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatar_engine.lipsync.drawn.column_patch import ColumnPatch, lay
from avatar_engine.lipsync.drawn.layout import CENTRE_X, EYE_HALF_WIDTH, EYE_X, EYE_Y, Layout
from avatar_engine.types import Float32, UInt8

REACH_X = 0.054
REACH_UP = 0.044
REACH_DOWN = 0.032
UPPER_HEIGHT = 0.0236
LOWER_HEIGHT = 0.0118
IRIS_RADIUS = 0.0202
GAZE_RANGE_X = 0.0085
GAZE_RANGE_Y = 0.005

_WHITE = np.array((247, 243, 240), np.float32)
_WHITE_SHADE = np.array((186, 170, 172), np.float32)
_IRIS_DARK = np.array((66, 46, 36), np.float32)
_IRIS_LIGHT = np.array((196, 146, 88), np.float32)
_LIMBUS = np.array((30, 22, 22), np.float32)
_PUPIL = np.array((12, 9, 10), np.float32)
_LIGHT = np.array((255, 255, 255), np.float32)
_LASH = np.array((38, 24, 24), np.float32)
_CREASE = np.array((140, 84, 70), np.float32)
_RIM = np.array((222, 158, 146), np.float32)


@dataclass(frozen=True, slots=True)
class EyeState:
    """blink: 0 open, 1 shut. gaze_x, gaze_y: -1..1, to the picture's right and down."""

    blink: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0


class _Eye:
    """One eye; `side` is -1 for the picture's left and 1 for its right. Columns run towards the temple."""

    def __init__(self, painting: UInt8, layout: Layout, side: int) -> None:
        self._side = side
        self._patch = ColumnPatch(painting, layout, (CENTRE_X + side * EYE_X, EYE_Y), REACH_X, REACH_UP, REACH_DOWN)

    def paint(self, painting: UInt8, state: EyeState) -> None:
        u = self._patch.x * self._side / EYE_HALF_WIDTH
        inside = np.clip(1 - u * u, 0, 1)
        tilt = -0.0042 * u
        lifted = UPPER_HEIGHT * (1 - 0.25 * state.gaze_y * (state.gaze_y > 0))
        low = tilt + LOWER_HEIGHT * np.clip(1 - np.abs(u - 0.12) ** 2.3, 0, 1) ** 0.85
        open_top = tilt - lifted * np.clip(1 - np.abs((u + 0.08) / 1.06) ** 2.1, 0, 1) ** 0.78
        top = (open_top + (0.92 * low - open_top) * state.blink).astype(np.float32)
        low = (low + (top - low) * state.blink**3).astype(np.float32)
        picture = self._patch.skin.copy()
        self._draw_ball(picture, top, low, inside, state)
        self._draw_lids(picture, top, low, open_top, u, inside, state)
        self._patch.write(painting, picture)

    def _draw_ball(self, picture: Float32, top: Float32, low: Float32, inside: Float32, state: EyeState) -> None:
        x, y, pixel = self._patch.x, self._patch.y, self._patch.pixel
        opening = np.clip(self._patch.cover(top) - self._patch.cover(low), 0, 1) * (inside > 0)
        shade = np.clip(0.85 * np.exp(-(y - top) / 0.009) + 0.55 * (1 - inside) ** 2, 0, 1)
        ball = _WHITE + (_WHITE_SHADE - _WHITE) * shade[:, :, None]
        gx, gy = state.gaze_x * GAZE_RANGE_X, state.gaze_y * GAZE_RANGE_Y - 0.0028
        away = np.hypot(x - gx, y - gy)
        iris = np.clip((IRIS_RADIUS - away) / (1.6 * pixel) + 0.5, 0, 1)
        ring = np.clip(away / IRIS_RADIUS, 0, 1)
        angle = np.arctan2(y - gy, x - gx)
        fibres = 0.5 + 0.5 * np.sin(angle * 23 + 2 * np.sin(angle * 5))
        lower_light = np.clip((y - gy) / IRIS_RADIUS * 0.75 + 0.35, 0, 1)
        glow = np.clip(lower_light * (0.72 + 0.28 * fibres) * (1.12 - 0.35 * ring), 0, 1)
        colour = _IRIS_DARK + (_IRIS_LIGHT - _IRIS_DARK) * glow[:, :, None]
        lay(colour, _LIMBUS, np.clip((ring - 0.78) / 0.2, 0, 1) * 0.65)
        lay(colour, _PUPIL, np.clip((0.0088 - away) / (1.6 * pixel) + 0.5, 0, 1))
        colour *= (1 - 0.42 * np.exp(-(y - top) / 0.0055).clip(0, 1))[:, :, None]
        lay(ball, colour, iris)
        for dx, dy, size, strength in ((-0.0062, -0.0066, 0.0046, 0.95), (0.0068, 0.0062, 0.0026, 0.4)):
            spot = np.clip((size - np.hypot(x - gx * 0.6 - dx, y - gy - dy)) / (1.6 * pixel) + 0.5, 0, 1)
            lay(ball, _LIGHT, spot * strength)
        lay(picture, ball, opening)

    def _draw_lids(
        self,
        picture: Float32,
        top: Float32,
        low: Float32,
        open_top: Float32,
        u: Float32,
        inside: Float32,
        state: EyeState,
    ) -> None:
        y = self._patch.y
        near = np.clip(inside * 5, 0, 1)
        wet = np.exp(-(((y - low) / 0.0021) ** 2)) * near * (1 - state.blink)
        lay(picture, _RIM, 0.55 * wet)
        crease_line = open_top - 0.0085 - 0.003 * (1 - np.abs(u)) + 0.004 * state.blink
        crease = np.exp(-(((y - crease_line) / 0.0018) ** 2)) * np.clip((1.05 - np.abs(u)) * 3, 0, 1)
        lay(picture, _CREASE, crease * np.float32(0.5 - 0.2 * state.blink))
        lower_lash = np.exp(-(((y - low - 0.001) / 0.0014) ** 2)) * np.clip((u + 0.3) * 1.4, 0, 1) * near
        lay(picture, _LASH, 0.38 * lower_lash)
        bend = np.clip((u - 0.72) / 0.5, 0, 1)
        root = _value_at(u, top, 0.72)
        tip = -0.0145 + 0.0125 * state.blink
        line = np.where(u > 0.72, root + (tip - root) * (0.45 * bend + 0.55 * bend**2), top)
        thick = (0.002 + 0.0034 * np.clip((u + 0.7) / 1.4, 0, 1)) * np.clip((1.22 - u) / 0.4, 0, 1)
        lash = self._patch.cover((line - thick).astype(np.float32)) - self._patch.cover(
            (line + 0.0008 * (u < 1.2)).astype(np.float32)
        )
        lash = np.clip(lash, 0, 1) * np.clip((u + 1.02) * 6, 0, 1)
        lay(picture, _LASH, 0.96 * lash)


def _value_at(u: Float32, curve: Float32, at: float) -> float:
    """The curve's height where `u` passes `at`."""
    return float(curve[int(np.argmin(np.abs(u - at)))])


class EyesPainter:
    """Paints both eyes into one painting, whose skin under them it keeps."""

    def __init__(self, painting: UInt8, layout: Layout) -> None:
        self._eyes = (_Eye(painting, layout, -1), _Eye(painting, layout, 1))

    def paint(self, painting: UInt8, state: EyeState) -> None:
        """Draw both eyes over their boxes of the painting, uint8[h, w, 4]."""
        for eye in self._eyes:
            eye.paint(painting, state)
