"""The studio behind the presenter: a calm wall out of focus, a warm lamp, a shelf of soft lights."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, Colour, build_spline, colour_array

WALL_TOP = (38, 52, 72)
WALL_BOTTOM = (74, 92, 112)
HALO = (150, 176, 196)
LAMP = (255, 206, 150)
PANEL = (28, 40, 58)


def paint_background(canvas: Canvas) -> None:
    """Fill the whole canvas."""
    x, y = canvas.x, canvas.y
    fall = np.clip(y, -0.4, 1.4)
    t = ((fall + 0.2) / 1.4)[:, :, None]
    canvas.rgb[:] = colour_array(WALL_TOP) + (colour_array(WALL_BOTTOM) - colour_array(WALL_TOP)) * t
    _paint_panels(canvas)
    _paint_shelf(canvas)
    _paint_plant(canvas)
    canvas.glow(HALO, canvas.bump(0.5, 0.42, 0.42, 0.46), 0.5)
    canvas.glow(LAMP, canvas.bump(0.05, 0.3, 0.3, 0.36), 0.3)
    for spot_x, spot_y, radius, strength, colour in _LIGHTS:
        _paint_bokeh(canvas, spot_x, spot_y, radius, strength, colour)
    vignette = np.clip(((x - 0.5) / 0.95) ** 2 + ((y - 0.5) / 0.95) ** 2 - 0.12, 0, 1).astype(np.float32)
    canvas.shade((20, 26, 40), vignette, 0.55)


_BOOKS: tuple[Colour, ...] = (
    (150, 112, 88),
    (96, 108, 126),
    (172, 150, 124),
    (74, 84, 104),
    (124, 78, 70),
    (108, 122, 118),
)
_LEAVES: tuple[Colour, ...] = ((44, 74, 72), (54, 90, 82), (64, 102, 90))
_LIGHTS: tuple[tuple[float, float, float, float, Colour], ...] = (
    (0.07, 0.205, 0.052, 0.5, (255, 188, 112)),
    (0.138, 0.27, 0.03, 0.36, (255, 170, 92)),
    (0.022, 0.315, 0.034, 0.34, (255, 160, 84)),
    (0.93, 0.17, 0.036, 0.16, (150, 205, 235)),
    (0.985, 0.26, 0.05, 0.14, (140, 190, 226)),
    (0.885, 0.275, 0.02, 0.13, (170, 215, 240)),
)


def _paint_panels(canvas: Canvas) -> None:
    """Upright panels, far out of focus, give the wall depth."""
    for left, right in ((-0.62, -0.36), (-0.28, -0.02), (0.06, 0.24), (0.8, 0.98), (1.06, 1.3), (1.38, 1.62)):
        outline = build_spline([(left, -0.7), (right, -0.7), (right, 1.8), (left, 1.8)], closed=True, steps=2)
        panel = canvas.soft(canvas.mask(outline), 0.014)
        canvas.shade(PANEL, panel, 0.3)
        edge = canvas.soft(canvas.mask(outline + np.array((0.006, 0.0))), 0.006) - canvas.soft(
            canvas.mask(outline), 0.006
        )
        canvas.glow((190, 210, 226), np.clip(edge, 0, 1), 0.16)


def _paint_shelf(canvas: Canvas) -> None:
    """Books on two boards at the left, far behind the plane of focus."""
    rng = np.random.default_rng(3)
    part = canvas.part(-1.4, 0.3, 0.26, 0.9)
    for board in (0.53, 0.74):
        x = -1.35
        while x < 0.17:
            width, height = rng.uniform(0.018, 0.04), rng.uniform(0.075, 0.12)
            book = np.array([(x, board - height), (x + width, board - height), (x + width, board), (x, board)])
            colour = _BOOKS[int(rng.integers(len(_BOOKS)))]
            part.lay(colour, part.soft(part.mask(book), 0.009), 0.42)
            x += width * rng.choice((1.02, 1.02, 1.6))
        plank = np.array([(-1.4, board), (0.2, board), (0.2, board + 0.016), (-1.4, board + 0.016)])
        part.lay((118, 92, 74), part.soft(part.mask(plank), 0.008), 0.6)


def _paint_plant(canvas: Canvas) -> None:
    """Large soft leaves at the right."""
    part = canvas.part(0.68, 0.3, 1.2, 1.0)
    for bend, length, tone in (
        (-0.75, 0.2, 0),
        (-0.42, 0.27, 1),
        (-0.1, 0.3, 2),
        (0.2, 0.28, 1),
        (0.5, 0.22, 0),
        (-0.25, 0.18, 2),
    ):
        root = np.array((0.93 + 0.03 * bend, 0.78))
        tip = root + length * np.array((np.sin(bend), -np.cos(bend)))
        side = np.array((np.cos(bend), np.sin(bend))) * length * 0.17
        middle = root + (tip - root) * 0.55
        leaf = build_spline([tuple(point) for point in (root, middle + side, tip, middle - side)], closed=True)
        part.lay(_LEAVES[tone], part.soft(part.mask(leaf), 0.009), 0.6)
        half = build_spline([tuple(point) for point in (root, middle + side, tip, middle)], closed=True)
        part.glow((150, 190, 170), part.soft(part.mask(half), 0.012), 0.14)


def _paint_bokeh(canvas: Canvas, x: float, y: float, radius: float, strength: float, colour: Colour) -> None:
    """A light out of focus: an even disc with a slightly brighter rim."""
    away = np.hypot(canvas.x - x, canvas.y - y) / radius
    disc = np.clip((1 - away) * 9, 0, 1) * (0.7 + 0.3 * np.clip(away, 0, 1) ** 3)
    canvas.glow(colour, disc.astype(np.float32), strength)
