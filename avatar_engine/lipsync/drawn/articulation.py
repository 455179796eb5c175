"""From phoneme marks, or from the sound itself, to mouth shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from avatar_engine.features.spectral import DIP, FIRST_BAND, LOUDNESS
from avatar_engine.lipsync.drawn.shape import (
    AXES,
    CLOSED,
    JAW,
    PHONEME_VISEMES,
    PRESS,
    ROUND,
    SPEECH_SMILE,
    STRESS_SIGNS,
    TEETH,
    UPPER,
    VISEMES,
    WIDTH,
    MouthShape,
)
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32, Mark

REACH_MS = 240.0
"""Marks further than this from a frame do not shape it."""
SPREAD_MS = 26.0
"""How far a phoneme's pull reaches beyond its own ends."""
REST_PULL = 0.02
"""A weak constant pull to the resting mouth: it wins in the pauses between words."""
STRESS_JAW = 1.15
SHORT_PAUSE_MS = 60.0


@dataclass(frozen=True, slots=True)
class Gesture:
    """One aim of the mouth: a viseme with its time in milliseconds. `closed`: the lips must meet in the middle."""

    viseme: str
    start_ms: float
    end_ms: float
    stressed: bool
    closed: bool


def build_gestures(marks: Sequence[Mark]) -> tuple[Gesture, ...]:
    """Phoneme marks in time order to gestures. Unknown signs are left to their neighbours."""
    gestures: list[Gesture] = []
    stressed = False
    for sign, start_ms, end_ms in _split_signs(marks):
        if sign in STRESS_SIGNS:
            stressed = True
            continue
        visemes = PHONEME_VISEMES.get(sign, ())
        if visemes == ("rest",) and end_ms - start_ms < SHORT_PAUSE_MS:
            continue
        span = (end_ms - start_ms) / max(len(visemes), 1)
        for i, viseme in enumerate(visemes):
            begin = start_ms + i * span
            gestures.append(Gesture(viseme, begin, begin + span, stressed, sign in CLOSED))
        if visemes and VISEMES[visemes[0]].shape.jaw > 0.25:
            stressed = False
    return tuple(gestures)


def _split_signs(marks: Sequence[Mark]) -> Iterator[tuple[str, float, float]]:
    """One sign at a time: a mark of several signs ("t͡ʃ", "aɪ") is cut into equal parts; ties and length fall away."""
    for mark in marks:
        if mark.kind != "phoneme":
            continue
        signs = [sign for sign in mark.text if sign in PHONEME_VISEMES or sign in STRESS_SIGNS]
        share = (mark.end_ms - mark.start_ms) / max(len(signs), 1)
        for i, sign in enumerate(signs):
            yield sign, mark.start_ms + i * share, mark.start_ms + (i + 1) * share


def build_shape(gestures: Sequence[Gesture], frame: int) -> Float32 | None:
    """Mouth of frame `frame` (its middle counts), float32[AXES]; None where no gesture is near.

    Every gesture pulls on every axis with a strength that falls off around its span (the dominance functions of
    Cohen and Massaro, 1993). The frame that holds the middle of m, b or p is closed whatever the neighbours want.
    """
    time_ms = (frame + 0.5) * FRAME_MS
    near = [g for g in gestures if g.start_ms - REACH_MS < time_ms < g.end_ms + REACH_MS]
    if not near:
        return None
    total = np.full(AXES, REST_PULL, np.float32)
    shape = total * VISEMES["rest"].target()
    for gesture in near:
        viseme = VISEMES[gesture.viseme]
        half = (gesture.end_ms - gesture.start_ms) / 2
        away = abs(time_ms - (gesture.start_ms + half)) / (half * 0.75 + SPREAD_MS)
        pull = viseme.dominance() * np.float32(np.exp(-(away**1.7)))
        aim = viseme.target()
        if gesture.stressed:
            aim[JAW] *= STRESS_JAW
        shape += pull * aim
        total += pull
    shape /= total
    if any(g.closed and int((g.start_ms + g.end_ms) / 2 // FRAME_MS) == frame for g in near):
        shape[JAW] = 0.0
        shape[PRESS] = 1.0
    elif shape[PRESS] > 0.5:
        shape[JAW] *= 2 * (1 - shape[PRESS])
    return shape


def scale_by_loudness(shape: Float32, loudness_db: float) -> Float32:
    """Quiet speech opens the mouth less: the jaw follows the loudness of the frame."""
    scaled = shape.copy()
    scaled[JAW] *= np.interp(loudness_db, (-52, -38, -24, -12), (0.35, 0.75, 1.0, 1.12))
    return scaled


def build_shape_from_sound(row: Float32, level_db: float) -> Float32:
    """A mouth from one spectral row where no phonemes are known. `level_db` is how loud this speech is at its loudest.

    The jaw follows loudness; energy near the second formant of front vowels spreads the lips, energy kept below
    1 kHz rounds them; hiss shows the teeth; a sharp dip inside loud speech closes the lips.
    """
    above = float(row[LOUDNESS]) - level_db
    bands = np.power(10.0, row[FIRST_BAND:] / 10)
    share = bands / max(float(bands.sum()), 1e-12)
    low, middle, front, hiss = share[:2].sum(), share[2:4].sum(), share[4:6].sum(), share[6:].sum()
    opening = float(np.interp(above, (-30, -20, -8, 0), (0.0, 0.25, 0.7, 1.0)))
    hissing = float(np.interp(hiss, (0.25, 0.6), (0.0, 1.0)))
    spread = float(np.interp(front / (middle + front + 1e-9), (0.1, 0.55), (0.0, 1.0)))
    spread *= float(np.interp(middle + front, (0.01, 0.06), (0.0, 1.0)))
    rounded = float(np.interp(low, (0.72, 0.97), (0.0, 1.0))) * (1 - spread)
    shape = np.array(
        MouthShape(
            smile=SPEECH_SMILE * (1 - rounded),
            jaw=opening * (0.38 + 0.44 * float(np.interp(middle, (0.03, 0.35), (0.0, 1.0)))),
            width=0.6 * spread - 0.4 * rounded,
            round=0.75 * rounded,
            upper=0.2 + 0.3 * hissing,
            teeth=0.45 + 0.5 * hissing,
        ),
        np.float32,
    )
    shape[JAW] += hissing * (0.16 - shape[JAW])
    dip = float(row[LOUDNESS] - row[DIP])
    closing = float(np.interp(dip, (14, 24), (0.0, 1.0))) * float(np.interp(above, (-26, -14), (0.0, 1.0)))
    shape[PRESS] = closing
    shape[JAW] *= 1 - closing
    shape[[UPPER, TEETH, WIDTH, ROUND]] *= np.float32(min(1.0, opening * 4))
    return shape
