"""Paints the eyes into the texture of the head: ball, iris, lids and lashes."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.eyes import EyeState
from avatar_engine.lipsync.drawn.layout import CENTRE_X, EYE_X, EYE_Y, Layout
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, Points, build_spline
from avatar_engine.lipsync.synctalk_2d.studio.patch import Patch, lay
from avatar_engine.types import Float32

REACH = 0.056, 0.046, 0.056, 0.034
HALF_WIDTH = 0.0405
UPPER_HEIGHT = 0.0238
LOWER_HEIGHT = 0.0120
IRIS_RADIUS = 0.0207
PUPIL_RADIUS = 0.0086
GAZE_RANGE_X, GAZE_RANGE_Y = 0.0085, 0.005

_WHITE = np.array((250, 246, 243), np.float32)
_WHITE_SHADE = np.array((176, 158, 164), np.float32)
_DUCT = np.array((224, 150, 142), np.float32)
_IRIS_DARK = np.array((58, 34, 22), np.float32)
_IRIS_LIGHT = np.array((206, 142, 74), np.float32)
_LIMBUS = np.array((34, 20, 18), np.float32)
_PUPIL = np.array((10, 7, 8), np.float32)
_LIGHT = np.array((255, 255, 255), np.float32)
_WINDOW = np.array((196, 214, 236), np.float32)
_LASH = np.array((34, 20, 20), np.float32)
_CREASE = np.array((132, 74, 62), np.float32)
_LID_LIGHT = np.array((255, 222, 200), np.float32)
_RIM = np.array((232, 170, 158), np.float32)


class _Eye:
    """One eye; `side` is -1 for the picture's left and 1 for its right. Columns run towards the temple."""

    def __init__(self, layout: Layout, side: int) -> None:
        self._side = side
        self._patch = Patch(layout, (CENTRE_X + side * EYE_X, EYE_Y), REACH)
        x0, y0, x1, y1 = self._patch.box
        window = Layout(layout.scale, layout.left - x0, layout.top - y0, x1 - x0, y1 - y0)
        self._canvas = Canvas(window)
        self._u: Float32 = self._patch.x * side / np.float32(HALF_WIDTH)

    def paint(self, texture: Float32, state: EyeState) -> None:
        picture = self._patch.cut(texture)[:, :, :3]
        u = self._u
        tilt = -0.0046 * u
        lifted = UPPER_HEIGHT * (1 - 0.25 * max(0.0, state.gaze_y))
        open_top = tilt - lifted * np.clip(1 - np.abs((u + 0.07) / 1.06) ** 2.15, 0, 1) ** 0.74
        open_low = tilt + LOWER_HEIGHT * np.clip(1 - np.abs(u - 0.1) ** 2.3, 0, 1) ** 0.82
        top = (open_top + (0.94 * open_low - open_top) * state.blink).astype(np.float32)
        low = (open_low + (top - open_low) * state.blink**3).astype(np.float32)
        self._paint_lid(picture, top, open_top, state)
        self._paint_ball(picture, top, low, state)
        self._paint_edges(picture, top, low, state)

    def _paint_lid(self, picture: Float32, top: Float32, open_top: Float32, state: EyeState) -> None:
        """The fold above the eye and the light on the lid between the fold and the lashes."""
        u, y = self._u, self._patch.y
        fold = open_top - 0.0078 - 0.0030 * (1 - np.abs(u)) + 0.0045 * state.blink
        near = np.clip((1.08 - np.abs(u)) * 2.6, 0, 1)
        lay(
            picture,
            _CREASE,
            (np.exp(-(((y - fold) / 0.0016) ** 2)) * near * (0.62 - 0.25 * state.blink)).astype(np.float32),
        )
        lay(picture, _CREASE, (np.exp(-(((y - fold + 0.004) / 0.0055) ** 2)) * near * 0.16).astype(np.float32))
        middle = (fold + top) / 2
        spread = np.maximum((top - fold) / 2.4, 0.0012)
        shine = np.exp(-(((y - middle) / spread) ** 2)) * np.exp(-(((u - 0.05) / 0.55) ** 2))
        lay(picture, _LID_LIGHT, (0.34 * shine).astype(np.float32))

    def _paint_ball(self, picture: Float32, top: Float32, low: Float32, state: EyeState) -> None:
        patch, u = self._patch, self._u
        x, y, pixel = patch.x, patch.y, patch.pixel
        inside = np.clip(1 - u * u, 0, 1)
        opening = np.clip(patch.below(top) - patch.below(low), 0, 1) * (inside > 0)
        shade = np.clip(
            0.80 * np.exp(-(y - top) / 0.0085) + 0.62 * (1 - inside) ** 1.6 + 0.25 * np.exp(-(low - y) / 0.004), 0, 1
        )
        ball = _WHITE + (_WHITE_SHADE - _WHITE) * shade[:, :, None]
        lay(ball, _DUCT, (np.clip((-u - 0.80) / 0.14, 0, 1) * np.ones_like(y)).astype(np.float32) * np.float32(0.8))
        gx, gy = state.gaze_x * GAZE_RANGE_X * self._side * self._side, state.gaze_y * GAZE_RANGE_Y - 0.0030
        away = np.hypot(x - gx, y - gy)
        colour = self._build_iris(x - gx, y - gy, away)
        colour *= (1 - 0.55 * np.exp(-np.maximum(y - top, 0) / 0.0062))[:, :, None]
        lay(ball, colour, np.clip((IRIS_RADIUS - away) / (2.4 * pixel + 0.0008) + 0.5, 0, 1))
        self._paint_reflections(ball, gx, gy)
        lay(picture, ball, opening.astype(np.float32))

    @staticmethod
    def _build_iris(dx: Float32, dy: Float32, away: Float32) -> Float32:
        ring = np.clip(away / IRIS_RADIUS, 0, 1)
        angle = np.arctan2(dy, dx)
        fibres = 0.5 + 0.28 * np.sin(angle * 31 + 2 * np.sin(angle * 5)) + 0.22 * np.sin(angle * 53 + 1.7 + 4 * ring)
        below = np.clip(dy / IRIS_RADIUS * 0.8 + 0.34, 0, 1)
        amber = np.exp(-(((ring - 0.55) / 0.2) ** 2))
        glow = np.clip(below * (0.66 + 0.34 * fibres) * 1.05 + 0.34 * amber * (0.4 + 0.6 * below) * fibres, 0, 1)
        colour: Float32 = (_IRIS_DARK + (_IRIS_LIGHT - _IRIS_DARK) * glow[:, :, None]).astype(np.float32)
        lay(colour, _LIMBUS, (np.clip((ring - 0.76) / 0.22, 0, 1) ** 1.3 * 0.82).astype(np.float32))
        lay(colour, _PUPIL, np.clip((PUPIL_RADIUS - away) / 0.0016 + 0.5, 0, 1).astype(np.float32))
        return colour

    def _paint_reflections(self, ball: Float32, gx: float, gy: float) -> None:
        x, y, pixel = self._patch.x, self._patch.y, self._patch.pixel
        veil = np.exp(-(((x - gx + 0.003) / 0.014) ** 2) - ((y - gy + 0.0105) / 0.0058) ** 2)
        lay(ball, _WINDOW, (0.26 * veil).astype(np.float32))
        for dx, dy, size, strength in ((-0.0068, -0.0070, 0.0052, 1.0), (0.0072, 0.0074, 0.0026, 0.5)):
            away = np.hypot((x - gx * 0.6 - dx), (y - gy - dy) * 0.92)
            lay(ball, _LIGHT, (np.clip((size - away) / (2 * pixel + 0.0006) + 0.5, 0, 1) * strength).astype(np.float32))

    def _paint_edges(self, picture: Float32, top: Float32, low: Float32, state: EyeState) -> None:
        """The wet rim below, the line of the lashes above, and the lashes themselves."""
        u, y = self._u, self._patch.y
        near = np.clip(np.clip(1 - u * u, 0, 1) * 5, 0, 1)
        wet = np.exp(-(((y - low - 0.0004) / 0.0017) ** 2)) * near * (1 - state.blink)
        lay(picture, _RIM, (0.62 * wet).astype(np.float32))
        under = np.exp(-(((y - low - 0.0024) / 0.0012) ** 2)) * np.clip((u + 0.35) * 1.2, 0, 1) * near
        lay(picture, _LASH, (0.30 * under).astype(np.float32))
        bend = np.clip((u - 0.74) / 0.5, 0, 1)
        root = float(top[0, int(np.argmin(np.abs(u[0] - 0.74)))])
        tip = -0.0152 + 0.0135 * state.blink
        line = np.where(u > 0.74, root + (tip - root) * (0.5 * bend + 0.5 * bend**2), top)
        thick = (0.0019 + 0.0036 * np.clip((u + 0.75) / 1.5, 0, 1)) * np.clip((1.2 - u) / 0.36, 0, 1)
        lash = self._patch.below((line - thick).astype(np.float32)) - self._patch.below(
            (line + 0.0006).astype(np.float32)
        )
        lash = np.clip(lash, 0, 1) * np.clip((u + 1.02) * 6, 0, 1) * (u < 1.2)
        lay(picture, _LASH, (0.95 * lash).astype(np.float32))
        strokes = [(self._place(hair), width) for hair, width in self._grow_lashes(top, state)]
        lay(picture, _LASH, self._canvas.strokes(strokes) * np.float32(0.75))

    def _grow_lashes(self, top: Float32, state: EyeState) -> list[tuple[Points, float]]:
        """The outer lashes of the upper lid, which stand free of its line, as lines in (u, y)."""
        hairs = []
        order = np.argsort(self._u[0])
        columns, above = self._u[0][order], top[0][order]
        for i, at in enumerate(np.linspace(-0.1, 0.74, 10)):
            base = float(np.interp(at, columns, above)) - 0.0012
            length = (0.0052 + 0.0062 * np.clip(at, 0, 1) ** 1.2) * (1 + 0.1 * np.sin(i * 2.4))
            lean = 0.45 + 0.72 * np.clip(at, 0, 1) + 0.05 * np.sin(i * 5.1)
            rise = -np.cos(lean) * (1 - 1.75 * state.blink)
            out = np.sin(lean) / HALF_WIDTH
            bow = (at + 0.7 * out * length, base + 0.30 * rise * length)
            path = [(at, base), bow, (at + out * length, base + rise * length)]
            hairs.append((build_spline(path, closed=False, steps=6), 0.0020))
        return hairs

    def _place(self, hair: Points) -> Points:
        """From (u, y) to units of the figure."""
        return np.stack([CENTRE_X + self._side * (EYE_X + hair[:, 0] * HALF_WIDTH), EYE_Y + hair[:, 1]], axis=1)


class EyesPainter:
    """Both eyes over the bare skin of their sockets."""

    def __init__(self, layout: Layout) -> None:
        self._eyes = (_Eye(layout, -1), _Eye(layout, 1))

    def paint(self, texture: Float32, state: EyeState) -> None:
        """Draw into texture float32[H, W, >= 3], RGB 0..255."""
        for eye in self._eyes:
            eye.paint(texture, state)
