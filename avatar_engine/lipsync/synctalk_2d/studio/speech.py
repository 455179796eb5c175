"""From the marks of a voice to the mouth of every frame, smoother than real time can afford."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.drawn.articulation import Gesture, build_gestures, build_shape, scale_by_loudness
from avatar_engine.lipsync.drawn.shape import JAW, PRESS, REST, MouthShape
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32, Mark

SOUND_RATE_HZ = 16_000
_SHIFTS_MS = (-12.0, 0.0, 12.0)
"""Moments around the middle of a frame whose mouths are averaged: a shutter that stays open for most of it."""
_NEAR_MS = 600.0
LIVELINESS = 1.3
"""A network that learns from these mouths draws them a little smaller; on air she should open hers as people do."""
WIDEST_JAW = 1.15
_QUIETEST_DB = -60.0


def build_mouths(samples_16k: npt.NDArray[np.floating], marks: Sequence[Mark], frames: int) -> Float32:
    """Mouth shapes float32[frames, 9] of a clip float[n] at 16 kHz in -1..1 with its phoneme marks."""
    gestures = build_gestures(marks)
    loudness = measure_loudness(samples_16k, frames)
    rest = np.array(REST, np.float32)
    shapes = np.tile(rest, (frames, 1))
    for frame in range(frames):
        now_ms = (frame + 0.5) * FRAME_MS
        near = [g for g in gestures if g.start_ms - _NEAR_MS < now_ms < g.end_ms + _NEAR_MS]
        shape = _average(near, frame)
        if shape is not None:
            shape = scale_by_loudness(shape, float(loudness[frame]))
            shape[JAW] = min(shape[JAW] * LIVELINESS, WIDEST_JAW)
            shapes[frame] = shape
    return shapes


def _average(gestures: Sequence[Gesture], frame: int) -> Float32 | None:
    """The mean mouth while the shutter is open; a frame that must be closed stays closed."""
    middle = build_shape(gestures, frame)
    if middle is None or middle[PRESS] >= 1.0:
        return middle
    found = []
    for shift_ms in _SHIFTS_MS:
        moved = [replace(g, start_ms=g.start_ms - shift_ms, end_ms=g.end_ms - shift_ms, closed=False) for g in gestures]
        shape = build_shape(moved, frame)
        if shape is not None:
            found.append(shape)
    mean: Float32 = np.mean(found, axis=0, dtype=np.float32)
    return mean


def measure_loudness(samples_16k: npt.NDArray[np.floating], frames: int) -> Float32:
    """Loudness of each frame and its neighbours in dB of full scale, float32[frames]."""
    hop = SOUND_RATE_HZ * FRAME_MS // 1000
    padded = np.zeros((frames + 2) * hop, np.float64)
    count = min(len(samples_16k), frames * hop)
    padded[hop : hop + count] = samples_16k[:count]
    power = (padded**2).reshape(frames + 2, hop).mean(axis=1)
    around = (power[:-2] + 2 * power[1:-1] + power[2:]) / 4
    decibels: Float32 = np.maximum(10 * np.log10(np.maximum(around, 1e-12)), _QUIETEST_DB).astype(np.float32)
    return decibels


def to_shape(row: Float32) -> MouthShape:
    """float32[9] to a shape."""
    return MouthShape(*(float(value) for value in row))
