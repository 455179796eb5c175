"""A presenter that speaks a whole recording, off air: no clock, no queue, the same pictures as on air."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avatar_engine.clips.speech import cut_frames, find_speech
from avatar_engine.compose.paste import paste
from avatar_engine.lipsync.base import FeatureExtractor, LipSyncEngine, Session
from avatar_engine.types import Float32, Int16, SpeechWindow, UInt8

SOUND_STEP = 25
"""Frames of sound that go into the extractor at a time, so that an hour of it does not take the memory of an hour."""


class ClipFeatures:
    """Rows of a recording, made as they are wanted. Every frame has one, whether anybody speaks in it or not."""

    def __init__(self, extractor: FeatureExtractor, frames: Int16) -> None:
        """`frames` int16[N, 1920]."""
        self._stream = extractor.open()
        self._frames = frames
        self._pushed = 0

    def take(self, count: int) -> Float32:
        """The next rows, float32[count, ...]."""
        while self._stream.ready < count and self._pushed < len(self._frames):
            step = self._frames[self._pushed : self._pushed + SOUND_STEP]
            self._pushed += len(step)
            self._stream.push(step.ravel(), last=self._pushed == len(self._frames))
        return self._stream.take(count)


def render_clip(engine: LipSyncEngine, extractor: FeatureExtractor, session: Session, pcm: Int16) -> Iterator[UInt8]:
    """The pictures uint8[height, width, 3] RGB that go with int16[n] mono 48 kHz: one for each 1920 samples begun."""
    frames = cut_frames(pcm)
    speaking = find_speech(pcm)
    features = ClipFeatures(extractor, frames)
    chunk = engine.capabilities.chunk_frames
    for start in range(0, len(frames), chunk):
        flags = speaking[start : start + chunk]
        poses = np.arange(start, start + len(flags), dtype=np.int32)
        yield from draw(session, SpeechWindow(features.take(len(flags)), (), flags), poses)


def draw(session: Session, window: SpeechWindow, poses: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> list[UInt8]:
    """Render and paste: one picture for each pose."""
    patch = session.render(window, poses)
    masks = [None] * len(poses) if patch.mask is None else list(patch.mask)
    return [paste(session.source(int(pose)), patch.rgb[i], patch.affine[i], masks[i]) for i, pose in enumerate(poses)]
