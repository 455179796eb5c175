"""A generator that paints what it heard: one flat colour a frame, so that tests can read it back."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32, Int32, UInt8


class FakeGenerator:
    """The picture is `100 + mean of the window` everywhere; every call is noted."""

    realtime = True

    def __init__(self, spec: NetSpec, chunk_frames: int = 1) -> None:
        self.spec = spec
        self.chunk_frames = chunk_frames
        self.frames: list[int] = []
        self.windows: list[Float32] = []
        self.calls: list[int] = []

    def generate(self, frames: Int32, windows: Float32) -> UInt8:
        assert windows.shape == (len(frames), 16, 512)
        assert 0 < len(frames) <= self.chunk_frames
        self.calls.append(len(frames))
        self.frames.extend(frames.tolist())
        self.windows.extend(windows)
        levels = 100 + windows.mean(axis=(1, 2))
        side = self.spec.inner
        return np.repeat(levels, side * side * 3).reshape(len(frames), side, side, 3).astype(np.uint8)

    def close(self) -> None:
        """Nothing to give back."""
