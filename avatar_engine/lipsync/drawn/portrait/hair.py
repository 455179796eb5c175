"""The hair: locks of strands, side-parted, falling over one shoulder and tucked behind the other ear."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, Points, build_spline
from avatar_engine.lipsync.drawn.portrait.palette import HAIR_RAMP
from avatar_engine.types import Float32, UInt8

_STEPS = 48
_Path = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """Strands that run between two paths from root to tip.

    light: brightness of the whole, 0..255 on the hair ramp. shine: how strongly light gathers at `band`, the share of
    the length where it does. shadow: how much the lock darkens what lies beside it. fade_in, fade_out: heights between
    which the lock grows out of the hair under it, and melts into it again.
    """

    outer: _Path
    inner: _Path
    strands: int
    light: float
    shine: float = 0.0
    band: float = 0.3
    shadow: float = 0.4
    fade_in: tuple[float, float] = (-2.0, -1.0)
    fade_out: tuple[float, float] = (3.0, 4.0)


_BACK = (
    Lock(
        ((0.5, 0.1), (0.61, 0.12), (0.672, 0.2), (0.688, 0.33), (0.694, 0.45), (0.716, 0.55), (0.712, 0.64), (0.722, 0.72), (0.69, 0.782)),
        ((0.5, 0.16), (0.54, 0.25), (0.56, 0.37), (0.56, 0.47), (0.56, 0.55), (0.565, 0.62), (0.575, 0.69), (0.585, 0.74), (0.62, 0.79)),
        150, 84.0, shine=0.3, band=0.62, shadow=0.3,
    ),
    Lock(
        ((0.5, 0.1), (0.4, 0.12), (0.335, 0.2), (0.316, 0.33), (0.31, 0.45), (0.3, 0.55), (0.3, 0.65), (0.32, 0.72), (0.35, 0.77)),
        ((0.5, 0.16), (0.46, 0.25), (0.44, 0.37), (0.44, 0.47), (0.44, 0.55), (0.44, 0.62), (0.432, 0.69), (0.42, 0.73), (0.4, 0.77)),
        120, 56.0, shadow=0.0,
    ),
)  # fmt: skip
_BEHIND_EAR = Lock(
    (
        (0.556, 0.088),
        (0.615, 0.096),
        (0.666, 0.142),
        (0.698, 0.215),
        (0.71, 0.3),
        (0.712, 0.38),
        (0.708, 0.45),
        (0.714, 0.53),
        (0.72, 0.61),
    ),
    (
        (0.55, 0.15),
        (0.566, 0.172),
        (0.594, 0.212),
        (0.624, 0.262),
        (0.644, 0.312),
        (0.656, 0.36),
        (0.668, 0.43),
        (0.676, 0.52),
        (0.688, 0.61),
    ),
    150,
    116.0,
    shine=0.75,
    band=0.27,
    shadow=0.5,
    fade_out=(0.44, 0.6),
)
_SHOULDER = (
    Lock(
        ((0.562, 0.086), (0.475, 0.076), (0.392, 0.106), (0.332, 0.185), (0.304, 0.295), (0.296, 0.39), (0.29, 0.47), (0.264, 0.555), (0.256, 0.63), (0.276, 0.7), (0.27, 0.755), (0.314, 0.818)),
        ((0.556, 0.15), (0.522, 0.182), (0.466, 0.226), (0.404, 0.28), (0.368, 0.345), (0.354, 0.42), (0.356, 0.49), (0.376, 0.56), (0.398, 0.63), (0.388, 0.695), (0.386, 0.75), (0.318, 0.819)),
        240, 118.0, shine=0.95, band=0.26, shadow=0.6, fade_out=(0.74, 0.81),
    ),
    Lock(
        ((0.272, 0.54), (0.26, 0.63), (0.276, 0.7), (0.268, 0.76), (0.3, 0.826)),
        ((0.322, 0.55), (0.322, 0.64), (0.344, 0.7), (0.336, 0.765), (0.304, 0.828)),
        50, 124.0, shine=0.6, band=0.3, shadow=0.35, fade_in=(0.56, 0.66),
    ),
    Lock(
        ((0.33, 0.58), (0.338, 0.65), (0.336, 0.71), (0.322, 0.765), (0.338, 0.834)),
        ((0.378, 0.56), (0.402, 0.635), (0.394, 0.7), (0.386, 0.765), (0.341, 0.836)),
        40, 112.0, shine=0.5, band=0.32, shadow=0.4, fade_in=(0.58, 0.67),
    ),
    Lock(
        ((0.558, 0.11), (0.505, 0.142), (0.432, 0.2), (0.376, 0.272), (0.344, 0.35), (0.333, 0.43), (0.334, 0.51), (0.352, 0.585), (0.372, 0.65), (0.36, 0.71), (0.366, 0.775)),
        ((0.555, 0.152), (0.52, 0.188), (0.463, 0.234), (0.406, 0.29), (0.372, 0.352), (0.361, 0.43), (0.367, 0.505), (0.39, 0.575), (0.412, 0.645), (0.402, 0.705), (0.369, 0.776)),
        80, 134.0, shine=0.9, band=0.3, shadow=0.55, fade_out=(0.58, 0.74),
    ),
)  # fmt: skip
_FLYAWAYS: tuple[_Path, ...] = (
    ((0.5, 0.095), (0.42, 0.088), (0.35, 0.15), (0.318, 0.24)),
    ((0.56, 0.09), (0.63, 0.098), (0.682, 0.17), (0.706, 0.27)),
    ((0.3, 0.42), (0.283, 0.52), (0.258, 0.62), (0.254, 0.7)),
    ((0.697, 0.43), (0.722, 0.53), (0.724, 0.62), (0.736, 0.7)),
    ((0.36, 0.5), (0.384, 0.58), (0.408, 0.66), (0.404, 0.72)),
    ((0.56, 0.135), (0.6, 0.18), (0.636, 0.25), (0.65, 0.31)),
)


def paint_hair_back(canvas: Canvas) -> None:
    """What is seen beside and behind the neck."""
    rng = np.random.default_rng(5)
    for lock in _BACK:
        _paint_lock(canvas, lock, rng)


def paint_hair_behind_ear(canvas: Canvas) -> None:
    """The side that is tucked away; the ear is painted over it."""
    _paint_lock(canvas, _BEHIND_EAR, np.random.default_rng(8))


def paint_hair_front(canvas: Canvas) -> None:
    """The side that falls over the shoulder, a face-framing lock and a few loose hairs."""
    rng = np.random.default_rng(11)
    for lock in _SHOULDER:
        _paint_lock(canvas, lock, rng)
    part = canvas.part(0.22, 0.05, 0.78, 0.84)
    loose = part.strokes([(build_spline(path, closed=False), 0.0016) for path in _FLYAWAYS])
    part.lay(_ramp_colour(150), loose, 0.55)


def _paint_lock(canvas: Canvas, lock: Lock, rng: np.random.Generator) -> None:
    outer, inner = _resample(lock.outer), _resample(lock.inner)
    reach = np.concatenate([outer, inner])
    (left, top), (right, bottom) = reach.min(axis=0) - 0.04, reach.max(axis=0) + 0.04
    part = canvas.part(left, top, right, bottom)
    fringe = [
        _strand(outer, inner, share, rng) for share in (*rng.uniform(-0.03, 0.03, 14), *rng.uniform(0.97, 1.03, 14))
    ]
    mask = part.strokes([(line, 0.0042) for line in fringe], into=part.mask(np.concatenate([outer, inner[::-1]])))
    mask *= _ramp(part.y, lock.fade_in) * (1 - _ramp(part.y, lock.fade_out))
    tone = _draw_tone(part, lock, outer, inner, rng)
    tone += _build_light(part, lock, mask)
    picture = cv2.LUT(cv2.merge([cv2.convertScaleAbs(np.clip(tone, 0, 255))] * 3), _build_ramp()).astype(np.float32)
    if lock.shadow:
        cast = part.soft(mask, 0.013) * (1 - mask)
        part.shade((96, 52, 50), cast, lock.shadow)
    part.lay(picture, mask)


def _draw_tone(part: Canvas, lock: Lock, outer: Points, inner: Points, rng: np.random.Generator) -> Float32:
    """Brightness of every pixel of the lock, float32[h, w] in 0..255: strands over a rounded form."""
    tone = np.full((part.layout.height, part.layout.width), np.uint8(lock.light * 0.88), np.uint8)
    for share in np.concatenate([rng.random(lock.strands), rng.random(lock.strands // 3)]):
        line = _strand(outer, inner, float(share), rng)
        form = 0.72 + 0.5 * np.sin(np.pi * share) ** 0.8
        level = lock.light * form + rng.normal(0, 15)
        start, stop = int(rng.integers(0, 4)), int(rng.integers(_STEPS - 12, _STEPS))
        part.draw_ribbon(tone, line[start:stop], 0.0014 + 0.0034 * rng.random(), level)
    for share in rng.random(int(1.5 * lock.strands * lock.shine)):
        line = _strand(outer, inner, float(share), rng)
        centre = lock.band + 0.05 * np.sin(9 * share) + rng.normal(0, 0.03)
        half = 0.08 + 0.1 * rng.random()
        first, last = int(max(0, centre - half) * _STEPS), int(min(1, centre + half) * _STEPS) + 1
        if last - first > 3:
            bright = lock.light + 62 * lock.shine * (0.45 + 0.55 * np.sin(np.pi * share)) + rng.normal(0, 12)
            part.draw_ribbon(tone, line[first:last], 0.0012 + 0.0016 * rng.random(), bright)
    return part.soft(tone.astype(np.float32), 0.0011)


def _build_light(part: Canvas, lock: Lock, mask: Float32) -> Float32:
    """What the key light (upper left), the rim light (right) and the neighbouring forms add to the tone."""
    key = 26 * np.exp(-(((part.x - 0.4) / 0.15) ** 2) - ((part.y - 0.17) / 0.1) ** 2)
    low = -26 * np.clip((part.y - 0.5) / 0.3, 0, 1)
    edge = np.clip(1 - part.soft(mask, 0.006), 0, 1) * mask
    rim = 60 * edge * np.clip((part.x - 0.62) / 0.06, 0, 1) - 46 * edge * np.clip((0.62 - part.x) / 0.06, 0, 1)
    scale = lock.light / 120
    return ((key + low) * scale + rim * scale).astype(np.float32)


def _ramp(value: Float32, ends: tuple[float, float]) -> Float32:
    return np.clip((value - ends[0]) / (ends[1] - ends[0]), 0, 1).astype(np.float32)


def _strand(outer: Points, inner: Points, share: float, rng: np.random.Generator) -> Points:
    """One path between the edges, with a slight wave of its own."""
    t = np.linspace(0, 1, _STEPS)
    wander = share + 0.035 * np.sin(t * rng.uniform(3, 9) + rng.uniform(0, 6.3)) * t
    return outer + (inner - outer) * wander[:, None]


def _resample(path: _Path) -> Points:
    line = build_spline(path, closed=False)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0, along[-1], _STEPS)
    return np.stack([np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])], axis=1)


def _build_ramp() -> UInt8:
    """Tone 0..255 to hair colour, uint8[256, 1, 3]."""
    stops = np.linspace(0, 255, len(HAIR_RAMP))
    colours = np.array(HAIR_RAMP, np.float64)
    ramp = np.stack([np.interp(np.arange(256), stops, colours[:, c]) for c in range(3)], axis=-1)
    return np.rint(ramp).astype(np.uint8)[:, None, :]


def _ramp_colour(tone: int) -> tuple[float, float, float]:
    red, green, blue = _build_ramp()[tone, 0]
    return float(red), float(green), float(blue)
