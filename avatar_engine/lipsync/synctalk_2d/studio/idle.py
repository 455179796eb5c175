"""What the presenter does while she listens or speaks: one stretch of film that runs there and back without a seam."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.drawn.eyes import EyeState
from avatar_engine.lipsync.synctalk_2d.studio.painter import Look
from avatar_engine.lipsync.synctalk_2d.studio.pose import Pose
from avatar_engine.types import Float32

FRAMES = 250
"""10 s; there and back 20 s."""
_BLINK = (0.22, 0.72, 1.0, 0.78, 0.24)
"""Nearly even in time, for every second pass shows it backwards."""
_BLINK_GAP_FRAMES = (44, 96)
_GAZE_GAP_FRAMES = (30, 70)
_YAW, _TILT, _PITCH = 0.0125, 0.017, 0.0065
"""The farthest that the head goes: units of the nose's way, radians, units."""


def build_idle(seed: int, frames: int = FRAMES) -> list[Look]:
    """One look per frame, mouth at rest. All motion comes to a halt at both ends, so that turning back is smooth."""
    rng = np.random.default_rng([seed, 250])
    gaze_x, gaze_y = _build_gaze(rng, frames)
    yaw = _float32(_YAW * (0.8 * _waves(rng, frames, (2, 3, 5, 8)) + 0.3 * _smooth(gaze_x, 7)))
    pitch = _PITCH * _waves(rng, frames, (3, 5, 8, 11))
    tilt = _float32(_TILT * _waves(rng, frames, (2, 3, 6)))
    shift_x, shift_y = 0.0055 * _waves(rng, frames, (2, 3)), 0.0022 * _waves(rng, frames, (3, 5))
    breath = 0.5 - 0.5 * np.cos(np.pi * 6 * np.arange(frames) / (frames - 1))
    blink = _build_blinks(rng, frames)
    brow = 0.0042 * np.clip(_waves(rng, frames, (5, 7, 12)), 0, 1) ** 1.5 - 0.0012 * blink
    sway = -0.5 * (yaw - _smooth(yaw, 8)) - 0.16 * (tilt - _smooth(tilt, 8))
    looks = []
    for i in range(frames):
        pose = Pose(
            shift_x=float(shift_x[i]),
            shift_y=float(shift_y[i] - 0.0018 * breath[i]),
            tilt=float(tilt[i]),
            yaw=float(yaw[i]),
            pitch=float(pitch[i]),
            breath=float(0.0042 * breath[i]),
            brow=float(brow[i]),
            sway=float(sway[i]),
        )
        looks.append(Look(pose, EyeState(float(blink[i]), float(gaze_x[i]), float(gaze_y[i]))))
    return looks


def _float32(values: npt.NDArray[np.floating]) -> Float32:
    return values.astype(np.float32)


def _waves(rng: np.random.Generator, frames: int, halves: tuple[int, ...]) -> Float32:
    """A sum of cosines with whole numbers of half periods over the stretch, so flat at both ends, scaled to -1..1."""
    at = np.pi * np.arange(frames) / (frames - 1)
    curve = np.zeros(frames)
    for count in halves:
        curve += rng.choice((-1, 1)) * rng.uniform(0.6, 1.0) * np.cos(count * at) / count**0.6
    values: Float32 = (curve / np.abs(curve).max()).astype(np.float32)
    return values


def _build_blinks(rng: np.random.Generator, frames: int) -> Float32:
    blink = np.zeros(frames, np.float32)
    at = int(rng.integers(14, 40))
    while at + len(_BLINK) + 8 < frames:
        blink[at : at + len(_BLINK)] = _BLINK
        at += int(rng.integers(*_BLINK_GAP_FRAMES))
    return blink


def _build_gaze(rng: np.random.Generator, frames: int) -> tuple[Float32, Float32]:
    """Mostly into the camera; now and then a glance aside. A glance takes three frames, as eyes do."""
    points = np.zeros((2, frames), np.float32)
    at, count = 0, 0
    while at < frames:
        length = int(rng.integers(*_GAZE_GAP_FRAMES))
        aside = count % 3 == 2
        reach = (0.6, 0.3) if aside else (0.12, 0.08)
        points[:, at : at + (min(length, 26) if aside else length)] = (rng.uniform(-1, 1, 2) * reach)[:, None]
        at += min(length, 26) if aside else length
        count += 1
    moved = np.stack([_smooth(line, 1) for line in points])
    return moved[0], moved[1]


def _smooth(curve: Float32, reach: int) -> Float32:
    """A moving average over `reach` frames to each side; beyond its ends the curve goes back as it came."""
    wide = np.pad(curve, reach, mode="reflect")
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    values: Float32 = np.convolve(wide, kernel, "valid").astype(np.float32)
    return values
