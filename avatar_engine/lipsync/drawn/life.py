"""What a presenter does when nothing is said: a seamless loop of small movements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatar_engine.types import Float32

LOOP_FRAMES = 375
BLINK_PROFILE = (0.35, 0.92, 1.0, 0.62, 0.28, 0.08)
BLINK_GAP_FRAMES = (52, 128)
GAZE_GAP_FRAMES = (34, 95)


@dataclass(frozen=True, slots=True)
class Life:
    """One value per frame of the loop, float32[LOOP_FRAMES] each; the last frame leads into the first.

    blink: 0 open, 1 shut. gaze_x, gaze_y: -1..1 of the eye's range. sway_x, sway_y, tilt, yaw, pitch: about -1..1 of
    the rest amplitude. breath: 0..1. talk_*: the livelier head of speech, same range, blended in while speaking.
    """

    blink: Float32
    gaze_x: Float32
    gaze_y: Float32
    sway_x: Float32
    sway_y: Float32
    tilt: Float32
    yaw: Float32
    pitch: Float32
    breath: Float32
    talk_tilt: Float32
    talk_yaw: Float32
    talk_pitch: Float32


def build_life(seed: int) -> Life:
    """The loop of one presenter; another seed gives another rhythm."""
    rng = np.random.default_rng([seed & 0xFFFFFFFF, 25])
    gaze_x, gaze_y = _build_gaze(rng)
    follow = _smooth(gaze_x, 9)
    return Life(
        blink=_build_blinks(rng),
        gaze_x=gaze_x,
        gaze_y=gaze_y,
        sway_x=_waves(rng, (1, 2, 3)),
        sway_y=_waves(rng, (2, 3, 5)),
        tilt=_waves(rng, (1, 2, 4)),
        yaw=0.75 * _waves(rng, (1, 2, 3)) + 0.6 * follow,
        pitch=_waves(rng, (1, 3, 4)),
        breath=_breath(),
        talk_tilt=_waves(rng, (5, 8, 11)),
        talk_yaw=_waves(rng, (4, 7, 11)),
        talk_pitch=_waves(rng, (7, 11, 16)),
    )


def _waves(rng: np.random.Generator, cycles: tuple[int, ...]) -> Float32:
    """A sum of whole cycles per loop with random phases, scaled to -1..1."""
    phase = 2 * np.pi * np.arange(LOOP_FRAMES) / LOOP_FRAMES
    curve = sum(np.sin(n * phase + rng.uniform(0, 2 * np.pi)) / n**0.7 for n in cycles)
    curve = np.asarray(curve)
    values: Float32 = (curve / np.abs(curve).max()).astype(np.float32)
    return values


def _breath() -> Float32:
    """Four breaths per loop, in faster than out."""
    phase = 2 * np.pi * 4 * np.arange(LOOP_FRAMES) / LOOP_FRAMES
    return (0.5 - 0.5 * np.cos(phase + 0.45 * np.sin(phase))).astype(np.float32)


def _events(rng: np.random.Generator, gap_frames: tuple[int, int]) -> list[int]:
    """Irregular moments of the loop, at least the shorter gap apart, also across its seam."""
    moments = [int(rng.integers(8, 30))]
    while moments[-1] + gap_frames[0] <= LOOP_FRAMES - gap_frames[0] + moments[0]:
        following = moments[-1] + int(rng.integers(*gap_frames))
        if following > LOOP_FRAMES - gap_frames[0] + moments[0]:
            break
        moments.append(following)
    return moments


def _build_blinks(rng: np.random.Generator) -> Float32:
    blink = np.zeros(LOOP_FRAMES, np.float32)
    starts = _events(rng, BLINK_GAP_FRAMES)
    starts.append(starts[int(rng.integers(len(starts)))] + len(BLINK_PROFILE) + 3)
    for start in starts:
        for i, value in enumerate(BLINK_PROFILE):
            at = (start + i) % LOOP_FRAMES
            blink[at] = max(float(blink[at]), value)
    return blink


def _build_gaze(rng: np.random.Generator) -> tuple[Float32, Float32]:
    """Mostly into the camera; now and then a glance aside. A glance takes two frames, as eyes do."""
    curves = np.zeros((2, LOOP_FRAMES), np.float32)
    moments = _events(rng, GAZE_GAP_FRAMES)
    for i, start in enumerate(moments):
        end = moments[i + 1] if i + 1 < len(moments) else LOOP_FRAMES + moments[0]
        aside = i % 3 == 2
        point = rng.uniform(-1, 1, 2) * ((0.75, 0.4) if aside else (0.14, 0.1))
        end = min(end, start + 34) if aside else end
        for frame in range(start, end):
            curves[:, frame % LOOP_FRAMES] = point
    moved = 0.55 * curves + 0.45 * np.roll(curves, 1, axis=1)
    return moved[0].astype(np.float32), moved[1].astype(np.float32)


def _smooth(curve: Float32, frames: int) -> Float32:
    """A circular moving average, run twice."""
    for _ in range(2):
        curve = np.mean([np.roll(curve, k) for k in range(-frames, frames + 1)], axis=0)
    return curve.astype(np.float32)
