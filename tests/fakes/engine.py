"""A lip-sync family that pastes a patch: a grey rectangle whose brightness is the loudness of the frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avatar_engine.features.spectral import LOUDNESS, SILENCE_DB
from avatar_engine.lipsync.base import Capabilities
from avatar_engine.timing import FPS
from avatar_engine.types import Float32, Int32, Patch, SpeechWindow, UInt8

PATCH_HEIGHT, PATCH_WIDTH = 24, 40
LOOP_FRAMES = 50


class FakeSession:
    """The source is a flat picture that gets lighter over the loop; the patch lies in its middle."""

    loop_frames = LOOP_FRAMES

    def __init__(self, seed: int, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._tint = np.random.default_rng(seed).integers(0, 60)

    def source(self, pose: int) -> UInt8:
        level = self._tint + pose % LOOP_FRAMES
        return np.full((self.height, self.width, 3), level, np.uint8)

    def render(self, speech: SpeechWindow, poses: Int32) -> Patch:
        count = len(poses)
        rgb = np.zeros((count, PATCH_HEIGHT, PATCH_WIDTH, 3), np.uint8)
        mask = np.zeros((count, PATCH_HEIGHT, PATCH_WIDTH), np.float32)
        for i in np.flatnonzero(speech.speaking):
            rgb[i] = round(float(np.interp(speech.features[i, LOUDNESS], (SILENCE_DB, 0), (100, 255))))
            mask[i] = 1.0
        return Patch(rgb, np.repeat(self._place()[None], count, axis=0), mask)

    def _place(self) -> Float32:
        left, top = (self.width - PATCH_WIDTH) / 2, (self.height - PATCH_HEIGHT) / 2
        return np.array([[1, 0, left], [0, 1, top]], np.float32)


class FakeEngine:
    """Needs no source and no weights."""

    capabilities = Capabilities(fps=FPS, chunk_frames=4, lookahead_frames=0, realtime=True, features="spectral")

    @classmethod
    def prepare(cls, source: Path, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def load(cls, folder: Path | None = None, device: str = "cpu") -> FakeEngine:
        return cls()

    def open(self, seed: int, width: int, height: int) -> FakeSession:
        return FakeSession(seed, width, height)
