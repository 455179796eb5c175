"""Paints hair: every mass parts into locks, every lock into strands that catch the light one by one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, Points, build_spline
from avatar_engine.lipsync.synctalk_2d.studio.hair_shapes import FLYAWAYS, Mass, Path
from avatar_engine.lipsync.synctalk_2d.studio.patch import step
from avatar_engine.types import Float32, UInt8

_RAMP = (
    (16, 8, 9),
    (38, 19, 18),
    (68, 36, 29),
    (104, 58, 41),
    (146, 88, 58),
    (196, 134, 90),
    (240, 190, 142),
    (255, 228, 196),
)
"""From the deepest shadow of the hair to its brightest shine, RGB."""
_STEPS = 56


def paint_masses(canvas: Canvas, masses: Sequence[Mass]) -> None:
    """Paint masses in order, each over the ones before."""
    for mass in masses:
        rng = np.random.default_rng(mass.seed)
        outer, inner = _resample(mass.outer), _resample(mass.inner)
        order = rng.permutation(mass.clumps)
        for clump in order:
            _paint_clump(canvas, mass, outer, inner, int(clump), rng)


def paint_flyaways(canvas: Canvas) -> None:
    """A few loose hairs against the light."""
    ramp = _build_ramp()
    tone = tuple(float(v) for v in ramp[170, 0])
    hairs = canvas.strokes([(build_spline(path, closed=False), 0.0009) for path in FLYAWAYS])
    canvas.place((tone[0], tone[1], tone[2]), hairs * np.float32(0.5))


def _paint_clump(
    canvas: Canvas, mass: Mass, outer: Points, inner: Points, clump: int, rng: np.random.Generator
) -> None:
    """One lock: the share of the mass from clump/clumps to (clump + 1)/clumps, a little wider where locks overlap."""
    lap = 0.55 / mass.clumps
    first, last = clump / mass.clumps - lap, (clump + 1) / mass.clumps + lap
    first, last = max(first, -0.01), min(last, 1.01)
    phase, depth = rng.uniform(0, 2 * np.pi), rng.normal(0, 1)
    lock = _Lock(outer, inner, (first, last), mass, phase, rng.uniform(0.0, 0.07))
    left, right = lock.at(0.0), lock.at(1.0)
    reach = np.concatenate([left, right])
    (x0, y0), (x1, y1) = reach.min(axis=0) - 0.04, reach.max(axis=0) + 0.04
    part = canvas.part(x0, y0, x1, y1)
    fringe = [lock.strand(share, rng) for share in (*rng.uniform(-0.05, 0.05, 8), *rng.uniform(0.95, 1.05, 8))]
    mask = part.strokes([(line, 0.003) for line in fringe], into=part.mask(np.concatenate([left, right[::-1]])))
    low, high = mass.fade
    tip = max(left[-1, 1], right[-1, 1])
    mask = mask * np.clip((part.y - low) / (high - low), 0, 1) * (1 - step(tip - 0.05, tip + 0.004, part.y))
    tone = _draw_tone(part, mass, lock, mass.light * (1 + 0.09 * depth), rng)
    tone += _build_light(part, mass, mask)
    picture = cv2.LUT(cv2.merge([cv2.convertScaleAbs(np.clip(tone, 0, 255))] * 3), _build_ramp()).astype(np.float32)
    if mass.shadow:
        part.cast((74, 40, 36), mask, 0.006, mass.shadow)
    part.place(picture, mask.astype(np.float32))


class _Lock:
    """Paths between two edges of a mass; `share` runs from 0 at one side of the lock to 1 at the other."""

    def __init__(
        self, outer: Points, inner: Points, ends: tuple[float, float], mass: Mass, phase: float, short: float
    ) -> None:
        """ends: the lock's share of the mass. phase: where its own wave starts. short: how much of its tip is cut."""
        t = np.linspace(0, 1 - short, _STEPS)
        steps = np.arange(_STEPS) / (_STEPS - 1)
        outer, inner = (np.stack([np.interp(t, steps, p[:, c]) for c in (0, 1)], axis=1) for p in (outer, inner))
        begin = outer + (inner - outer) * ends[0]
        end = outer + (inner - outer) * ends[1]
        middle = (begin + end) / 2
        along = np.linspace(0, 1, _STEPS)[:, None]
        narrow = 1 - mass.taper * np.clip((along - 0.66) / 0.34, 0, 1) ** 1.5
        grow = np.clip((along - 0.35) / 0.4, 0, 1)
        sway = mass.wave * grow * (np.sin(14 * middle[:, 1:]) + 0.45 * np.sin(2 * np.pi * 1.3 * along + phase))
        offset = np.concatenate([sway, np.zeros_like(sway)], axis=1)
        self._t = along
        self._begin = middle + (begin - middle) * narrow + offset
        self._end = middle + (end - middle) * narrow + offset

    def at(self, share: float) -> Points:
        """The path at `share`, float64[steps, 2]."""
        path: Points = self._begin + (self._end - self._begin) * share
        return path

    def strand(self, share: float, rng: np.random.Generator) -> Points:
        """One hair at `share`, with a slight wander of its own."""
        t = self._t
        wander = share + 0.05 * np.sin(t * rng.uniform(3, 9) + rng.uniform(0, 6.3)) * t
        path: Points = self._begin + (self._end - self._begin) * wander
        return path


def _draw_tone(part: Canvas, mass: Mass, lock: _Lock, light: float, rng: np.random.Generator) -> Float32:
    """Brightness of every pixel of a lock, float32[h, w] in 0..255."""
    size = (part.layout.height, part.layout.width)
    tone = np.full(size, np.uint8(np.clip(light * 0.74, 0, 255)), np.uint8)
    for share in rng.random(2 * mass.strands):
        form = 0.62 + 0.55 * np.sin(np.pi * np.clip(share, 0.03, 0.97)) ** 0.7
        level = light * form + rng.normal(0, 8)
        start = int(rng.integers(0, 4))
        part.draw_ribbon(tone, lock.strand(float(share), rng)[start:], 0.0010 + 0.0024 * rng.random(), level)
    gloss = np.full(size, 70, np.uint8)
    for share in rng.random(2 * mass.strands):
        level = 60 + 190 * rng.random() * np.sin(np.pi * np.clip(share, 0.05, 0.95))
        part.draw_ribbon(gloss, lock.strand(float(share), rng), 0.0007 + 0.0014 * rng.random(), level)
    lit = part.soft(tone.astype(np.float32), 0.0007)
    sheen: Float32 = lit + mass.shine * _build_bands(part) * gloss.astype(np.float32) / np.float32(255)
    return sheen


def _build_bands(part: Canvas) -> Float32:
    """Where hair throws the key light back: over the crown, and where the waves swing out, float32[h, w]."""
    x, y = part.x, part.y
    crown = y - (0.172 + 1.0 * (x - 0.46) ** 2)
    crown_width = np.where(crown < 0, 0.050, 0.085)
    wave = y - (0.585 + 0.10 * np.sin(x * 40))
    bands = 88 * np.exp(-((crown / crown_width) ** 2)) * (0.45 + 0.55 * np.exp(-(((x - 0.41) / 0.11) ** 2)))
    bands = bands + 46 * np.exp(-((wave / 0.07) ** 2))
    light: Float32 = bands.astype(np.float32)
    return light


def _build_light(part: Canvas, mass: Mass, mask: Float32) -> Float32:
    """What the key light (upper left), the rim light (right) and the depth of the mass add to the tone."""
    x, y = part.x, part.y
    key = 22 * np.exp(-(((x - 0.40) / 0.13) ** 2) - ((y - 0.155) / 0.075) ** 2)
    low = -20 * np.clip((y - 0.46) / 0.3, 0, 1)
    inner = -26 * np.exp(-(((np.abs(x - 0.5) - 0.145) / 0.022) ** 2)) * np.clip((y - 0.36) / 0.1, 0, 1)
    edge = np.clip(1 - part.soft(mask, 0.004), 0, 1) * mask
    rim = 66 * edge * np.clip((x - 0.66) / 0.05, 0, 1) + 34 * edge * np.clip((0.31 - x) / 0.04, 0, 1)
    crease = -22 * edge * np.clip((0.70 - x) / 0.04, 0, 1) * np.clip((x - 0.30) / 0.03, 0, 1)
    values: Float32 = ((key + low + inner) * (mass.light / 120) + (rim + crease) * min(1.0, mass.light / 100)).astype(
        np.float32
    )
    return values


def _resample(path: Path) -> Points:
    line = build_spline(path, closed=False)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, along[-1], _STEPS)
    return np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1)


def _build_ramp() -> UInt8:
    """Tone 0..255 to hair colour, uint8[256, 1, 3]."""
    stops = np.linspace(0, 255, len(_RAMP))
    colours = np.array(_RAMP, np.float64)
    ramp = np.stack([np.interp(np.arange(256), stops, colours[:, c]) for c in range(3)], axis=-1)
    return np.rint(ramp).astype(np.uint8)[:, None, :]
