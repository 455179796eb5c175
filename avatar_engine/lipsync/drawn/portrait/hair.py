"""The hair: a mass behind the neck, a side-parted front, locks with strands and light on them."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, Points, build_spline
from avatar_engine.lipsync.drawn.portrait.palette import HAIR, HAIR_DARK, HAIR_LIGHT, HAIR_SHINE
from avatar_engine.types import Float32

_BACK = [
    (0.5, 0.09),
    (0.6, 0.105),
    (0.672, 0.18),
    (0.698, 0.3),
    (0.706, 0.42),
    (0.722, 0.55),
    (0.732, 0.66),
    (0.712, 0.735),
    (0.66, 0.762),
    (0.6, 0.74),
    (0.5, 0.7),
    (0.4, 0.74),
    (0.338, 0.765),
    (0.284, 0.738),
    (0.266, 0.66),
    (0.276, 0.55),
    (0.293, 0.42),
    (0.3, 0.3),
    (0.328, 0.18),
    (0.4, 0.105),
]
# Each side of the front falls from the parting along the face to the shoulder.
_PARTING = (0.545, 0.112)
_FRONT_LEFT = [
    (0.548, 0.098), (0.47, 0.088), (0.385, 0.118), (0.328, 0.19), (0.304, 0.3), (0.294, 0.42), (0.28, 0.56),
    (0.27, 0.665), (0.286, 0.738), (0.335, 0.758), (0.378, 0.735), (0.385, 0.68), (0.372, 0.6), (0.358, 0.52),
    (0.352, 0.44), (0.358, 0.36), (0.388, 0.29), (0.447, 0.235), (0.512, 0.19), (0.552, 0.155),
]  # fmt: skip
_FRONT_RIGHT = [
    (0.54, 0.1), (0.6, 0.102), (0.66, 0.15), (0.692, 0.24), (0.702, 0.36), (0.71, 0.48), (0.727, 0.59),
    (0.734, 0.67), (0.716, 0.735), (0.668, 0.758), (0.624, 0.738), (0.614, 0.69), (0.628, 0.62), (0.644, 0.54),
    (0.65, 0.46), (0.645, 0.38), (0.632, 0.3), (0.606, 0.235), (0.572, 0.185), (0.55, 0.155),
]  # fmt: skip


def paint_hair_back(canvas: Canvas) -> None:
    """The dark mass behind face and neck."""
    mass = canvas.mask(build_spline(_BACK, closed=True))
    canvas.shade((60, 50, 60), canvas.soft(mass, 0.02) * (1 - mass), 0.35)
    canvas.lay(HAIR_DARK, mass)
    canvas.lay(HAIR, mass * canvas.bump(0.32, 0.5, 0.06, 0.3), 0.6)


def paint_hair_front(canvas: Canvas) -> None:
    """Parting, crown and the locks that frame the face."""
    rng = np.random.default_rng(11)
    for outline, ends, lit in ((_FRONT_RIGHT, 1, 0.75), (_FRONT_LEFT, -1, 1.0)):
        edge = build_spline(outline, closed=True)
        mass = canvas.mask(edge)
        canvas.shade((120, 70, 62), canvas.soft(mass, 0.016) * (1 - mass), 0.55)
        canvas.lay(HAIR, mass)
        _paint_strands(canvas, mass, _build_guides(outline), rng, lit)
        inner = np.clip(canvas.soft(1 - mass, 0.012) - 0.1, 0, 1) * mass
        canvas.shade(HAIR_DARK, inner, 0.5)
        canvas.glow(HAIR_LIGHT, mass * canvas.bump(0.5 + ends * 0.19, 0.32, 0.05, 0.16), 0.18 * lit)


def _build_guides(outline: list[tuple[float, float]]) -> tuple[Points, Points]:
    """The outer and the inner edge of a front piece, both from parting to tip, 60 points each."""
    outer = build_spline(outline[:10], closed=False)
    inner = build_spline(outline[:9:-1], closed=False)
    return _resample(outer), _resample(inner)


def _resample(line: Points, count: int = 60) -> Points:
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1)


def _paint_strands(
    canvas: Canvas, mass: Float32, guides: tuple[Points, Points], rng: np.random.Generator, lit: float
) -> None:
    """Strands run between the two edges; light ones gather in a band around the crown."""
    outer, inner = guides
    t = np.linspace(0, 1, 60)
    for colour, count, width, opacity, clump in (
        (HAIR_DARK, 46, 0.0062, 0.4, True),
        (HAIR_LIGHT, 56, 0.004, 0.3, True),
        (HAIR_DARK, 70, 0.0022, 0.42, False),
        (HAIR_LIGHT, 90, 0.0018, 0.4, False),
    ):
        lines = []
        for _ in range(count):
            share = rng.random()
            share = share + 0.03 * np.sin(t * rng.uniform(3, 8) + rng.uniform(0, 6))
            line = outer + (inner - outer) * share[:, None]
            start = int(rng.integers(0, 22))
            stop = int(rng.integers(36, 60))
            lines.append((line[start:stop], width * rng.uniform(0.6, 1.4)))
        cover = canvas.strokes(lines)
        canvas.lay(colour, (canvas.soft(cover, 0.002) if clump else cover) * mass, opacity)
    band = np.exp(-(((canvas.y - 0.185 - 0.55 * (canvas.x - 0.5) ** 2 * 4) / 0.034) ** 2)).astype(np.float32)
    shine = canvas.strokes([(outer + (inner - outer) * share, 0.003) for share in np.sort(rng.random(70))])
    canvas.glow(HAIR_SHINE, canvas.soft(shine, 0.0015) * mass * band, 0.42 * lit)
    canvas.glow(HAIR_LIGHT, mass * band, 0.2 * lit)
