"""The hair: locks of strands, side-parted, falling over one shoulder and tucked behind the other ear."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.portrait.canvas import Canvas, Points, build_spline
from avatar_engine.lipsync.drawn.portrait.locks import BACK, BEHIND_EAR, FLYAWAYS, SHOULDER, Lock, Path
from avatar_engine.lipsync.drawn.portrait.palette import HAIR_RAMP
from avatar_engine.types import Float32, UInt8

_STEPS = 48


def paint_hair_back(canvas: Canvas) -> None:
    """What is seen beside and behind the neck."""
    rng = np.random.default_rng(5)
    for lock in BACK:
        _paint_lock(canvas, lock, rng)


def paint_hair_behind_ear(canvas: Canvas) -> None:
    """The side that is tucked away; the ear is painted over it."""
    _paint_lock(canvas, BEHIND_EAR, np.random.default_rng(8))


def paint_hair_front(canvas: Canvas) -> None:
    """The side that falls over the shoulder, a face-framing lock and a few loose hairs."""
    rng = np.random.default_rng(11)
    for lock in SHOULDER:
        _paint_lock(canvas, lock, rng)
    part = canvas.part(0.22, 0.05, 0.78, 0.84)
    loose = part.strokes([(build_spline(path, closed=False), 0.0016) for path in FLYAWAYS])
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
        part.cast((96, 52, 50), mask, 0.013, lock.shadow)
    part.place(picture, mask)


def _draw_tone(part: Canvas, lock: Lock, outer: Points, inner: Points, rng: np.random.Generator) -> Float32:
    """Brightness of every pixel of the lock, float32[h, w] in 0..255: strands over a rounded form."""
    tone = np.full((part.layout.height, part.layout.width), np.uint8(lock.light * 0.88), np.uint8)
    for share in np.concatenate([rng.random(lock.strands), rng.random(lock.strands // 3)]):
        line = _strand(outer, inner, float(share), rng)
        form = 0.72 + 0.5 * np.sin(np.pi * share) ** 0.8
        level = lock.light * form + rng.normal(0, 10)
        start, stop = int(rng.integers(0, 4)), int(rng.integers(_STEPS - 8, _STEPS))
        part.draw_ribbon(tone, line[start:stop], 0.0014 + 0.0034 * rng.random(), level)
    for share in rng.random(int(2.0 * lock.strands * lock.shine)):
        line = _strand(outer, inner, float(share), rng)
        centre = lock.band + 0.05 * np.sin(9 * share) + rng.normal(0, 0.03)
        half = 0.1 + 0.16 * rng.random()
        first, last = int(max(0, centre - half) * _STEPS), int(min(1, centre + half) * _STEPS) + 1
        if last - first > 3:
            bright = lock.light + 66 * lock.shine * (0.45 + 0.55 * np.sin(np.pi * share)) + rng.normal(0, 8)
            part.draw_ribbon(tone, line[first:last], 0.0012 + 0.0016 * rng.random(), bright)
    return part.soft(tone.astype(np.float32), 0.0011)


def _build_light(part: Canvas, lock: Lock, mask: Float32) -> Float32:
    """What the key light (upper left), the rim light (right) and the neighbouring forms add to the tone."""
    key = 26 * np.exp(-(((part.x - 0.4) / 0.15) ** 2) - ((part.y - 0.17) / 0.1) ** 2)
    low = -26 * np.clip((part.y - 0.5) / 0.3, 0, 1)
    edge = np.clip(1 - part.soft(mask, 0.006), 0, 1) * mask
    rim = 60 * edge * np.clip((part.x - 0.62) / 0.06, 0, 1) - 46 * edge * np.clip((0.62 - part.x) / 0.06, 0, 1)
    scale = lock.light / 120
    values: Float32 = ((key + low) * scale + rim * scale).astype(np.float32)
    return values


def _ramp(value: Float32, ends: tuple[float, float]) -> Float32:
    share: Float32 = np.clip((value - ends[0]) / (ends[1] - ends[0]), 0, 1)
    return share


def _strand(outer: Points, inner: Points, share: float, rng: np.random.Generator) -> Points:
    """One path between the edges, with a slight wave of its own."""
    t = np.linspace(0, 1, _STEPS)
    wander = share + 0.035 * np.sin(t * rng.uniform(3, 9) + rng.uniform(0, 6.3)) * t
    return outer + (inner - outer) * wander[:, None]


def _resample(path: Path) -> Points:
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
