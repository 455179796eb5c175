"""One drawn presenter in one room: mouth, eyes and head of every frame."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.features.spectral import LOUDNESS
from avatar_engine.lipsync.drawn.articulation import (
    build_gestures,
    build_shape,
    build_shape_from_sound,
    scale_by_loudness,
)
from avatar_engine.lipsync.drawn.eyes import EyesPainter, EyeState
from avatar_engine.lipsync.drawn.layout import build_layout, build_painting_layout
from avatar_engine.lipsync.drawn.life import LOOP_FRAMES, build_life
from avatar_engine.lipsync.drawn.mouth import MouthPainter, measure_chin_drop, measure_opening
from avatar_engine.lipsync.drawn.shape import PRESS, REST, MouthShape
from avatar_engine.lipsync.drawn.warp import Pose, build_warp
from avatar_engine.types import Float32, Int32, Patch, SpeechWindow, UInt8

RELAX = (0.45, 0.12, 0.0)
"""How much of the last spoken shape is left in the frames after speech: at rest within 120 ms."""
ONSET = 0.6
"""Share of the way to a new shape in the first frame of speech."""
FOLLOW_SHARE, CLOSING_SHARE = 0.6, 0.85
"""The same for every frame of speech that has no phonemes; lips close faster than they open."""
QUIETEST_PEAK_DB = -34.0
IDLE_TILT, IDLE_YAW = 0.014, 0.0075
"""Rest amplitudes of the head: radians, and units of the nose's way sideways."""


class DrawnSession:
    """Draws full frames. The state is what speech leaves behind: the last mouth, and how lively the head still is."""

    loop_frames = LOOP_FRAMES

    def __init__(self, seed: int, width: int, height: int, painting: UInt8) -> None:
        """`painting` is what `paint_portrait` made for `build_painting_layout(width, height)`; it is drawn into."""
        self.width = width
        self.height = height
        layout = build_layout(width, height)
        painting_layout = build_painting_layout(width, height)
        self._life = build_life(seed)
        self._painting = painting
        self._warp = build_warp(layout, painting_layout)
        self._mouth = MouthPainter(self._painting, painting_layout)
        self._eyes = EyesPainter(self._painting, painting_layout)
        self._drawn_mouth: MouthShape | None = None
        self._drawn_eyes: EyeState | None = None
        self._rest = np.array(REST, np.float32)
        self._spoken = self._rest
        self._silent_frames = len(RELAX)
        self._peak_db = QUIETEST_PEAK_DB
        self._liveliness = 0.0
        self._emphasis = 0.0
        self._loud_db = -60.0

    def source(self, pose: int) -> None:
        """Full frames need no source."""
        return None

    @property
    def mouth_opening(self) -> float:
        """Gap between the lips in the last frame drawn, as a share of the figure's side; 0 when they touch."""
        return measure_opening(self._drawn_mouth or REST)

    def render(self, speech: SpeechWindow, poses: Int32) -> Patch:
        """Draw len(poses) frames, uint8[N, height, width, 3]."""
        gestures = build_gestures(speech.marks)
        frames = np.empty((len(poses), self.height, self.width, 3), np.uint8)
        for i, pose in enumerate(poses):
            if speech.speaking[i]:
                aim = build_shape(gestures, i)
                self._speak(aim, speech.features[i])
            else:
                self._relax()
            self._draw(int(pose) % LOOP_FRAMES, frames[i])
        affine = np.repeat(np.eye(2, 3, dtype=np.float32)[None], len(poses), axis=0)
        return Patch(frames, affine, None)

    def _speak(self, aim: Float32 | None, row: Float32) -> None:
        """Move mouth and mood on by one frame of speech."""
        loudness = float(row[LOUDNESS])
        self._peak_db = max(self._peak_db - 0.05, loudness, QUIETEST_PEAK_DB)
        if aim is not None:
            shape = scale_by_loudness(aim, loudness)
        else:
            heard = build_shape_from_sound(row, self._peak_db)
            share = CLOSING_SHARE if heard[PRESS] > 0.5 else FOLLOW_SHARE
            shape = self._spoken + np.float32(share) * (heard - self._spoken)
        if self._silent_frames and shape[PRESS] < 1.0:
            shape = self._mouth_now() + np.float32(ONSET) * (shape - self._mouth_now())
        self._spoken = shape
        self._silent_frames = 0
        self._liveliness += 0.06 * (1.0 - self._liveliness)
        rise = max(0.0, loudness - self._loud_db - 4.0) / 12.0
        self._loud_db += 0.2 * (loudness - self._loud_db)
        self._emphasis = min(1.0, 0.86 * self._emphasis + 0.22 * min(rise, 1.0))

    def _relax(self) -> None:
        """Move on by one silent frame; soon nothing of the speech is left."""
        self._silent_frames = min(self._silent_frames + 1, len(RELAX))
        self._loud_db = max(-60.0, self._loud_db - 3.0)
        self._liveliness *= 0.93
        self._emphasis *= 0.8
        if self._liveliness < 0.003:
            self._liveliness = self._emphasis = 0.0

    def _mouth_now(self) -> Float32:
        """float32[AXES] of this frame, rest included."""
        if self._silent_frames == 0:
            return self._spoken
        return self._rest + np.float32(RELAX[self._silent_frames - 1]) * (self._spoken - self._rest)

    def _draw(self, pose: int, frame: UInt8) -> None:
        life = self._life
        mouth = MouthShape(*(float(value) for value in self._mouth_now()))
        eyes = EyeState(float(life.blink[pose]), float(life.gaze_x[pose]), float(life.gaze_y[pose]))
        if mouth != self._drawn_mouth:
            self._mouth.paint(self._painting, mouth)
            self._drawn_mouth = mouth
        if eyes != self._drawn_eyes:
            self._eyes.paint(self._painting, eyes)
            self._drawn_eyes = eyes
        cv2.cvtColor(self._warp.render(self._painting, self._pose(pose)), cv2.COLOR_RGBA2RGB, dst=frame)

    def _pose(self, pose: int) -> Pose:
        life, lively, emphasis = self._life, self._liveliness, self._emphasis
        tilt = IDLE_TILT * life.tilt[pose] + 0.015 * lively * life.talk_tilt[pose]
        yaw = IDLE_YAW * life.yaw[pose] + 0.0055 * lively * life.talk_yaw[pose]
        pitch = 0.004 * life.pitch[pose] + lively * (0.0035 * life.talk_pitch[pose] + 0.007 * emphasis)
        shift = 0.0045 * life.sway_x[pose]
        lag = (pose - 5) % LOOP_FRAMES
        return Pose(
            shift_x=shift,
            shift_y=0.002 * life.sway_y[pose] - 0.0018 * life.breath[pose],
            tilt=tilt,
            yaw=yaw,
            pitch=pitch,
            breath=0.0042 * life.breath[pose],
            jaw=measure_chin_drop(self._drawn_mouth or REST),
            brow=0.0016 * max(0.0, float(-life.gaze_y[pose])) + 0.006 * lively * emphasis - 0.0012 * life.blink[pose],
            hair=-0.3 * (tilt - IDLE_TILT * life.tilt[lag]) - 0.25 * IDLE_YAW * (life.yaw[pose] - life.yaw[lag]),
        )
