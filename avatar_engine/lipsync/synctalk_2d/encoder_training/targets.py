"""What the encoder is taught to hear: for each row the mouth at five frames in the middle of its 200 ms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from avatar_engine.features.ave import COLUMNS, first_column
from avatar_engine.features.mel import SILENT, build_mel
from avatar_engine.lipsync.drawn.articulation import Gesture, build_gestures, build_shape
from avatar_engine.lipsync.drawn.shape import AXES, REST, VISEMES
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32, Int32, Mark

AROUND = 5
"""Frames that a row answers for: row j for frames j to j + 4, since its 16 columns reach from frame j over 200 ms."""
MIDDLE = AROUND // 2
VISEME_NAMES = tuple(VISEMES)


def build_mouth(marks: Sequence[Mark], frames: int) -> tuple[Float32, Int32]:
    """float32[frames, 9] mouth shapes and int32[frames] visemes (places in VISEME_NAMES) from phoneme marks."""
    gestures = build_gestures(marks)
    shapes = np.tile(np.array(REST, np.float32), (frames, 1))
    visemes = np.full(frames, VISEME_NAMES.index("rest"), np.int32)
    first = 0
    for frame in range(frames):
        now_ms = (frame + 0.5) * FRAME_MS
        while first < len(gestures) and gestures[first].end_ms < now_ms - 1000:
            first += 1
        near = [gesture for gesture in gestures[first : first + 60] if gesture.start_ms < now_ms + 1000]
        shape = build_shape(near, frame)
        if shape is not None:
            shapes[frame] = shape
        visemes[frame] = _viseme_at(near, now_ms)
    return shapes, visemes


def _viseme_at(gestures: Sequence[Gesture], now_ms: float) -> int:
    for gesture in gestures:
        if gesture.start_ms <= now_ms < gesture.end_ms:
            return VISEME_NAMES.index(gesture.viseme)
    return VISEME_NAMES.index("rest")


def count_rows(frames: int) -> int:
    """Rows whose five frames and whose columns are all inside a clip of `frames` frames."""
    return max(0, frames - AROUND)


def cut_columns(samples: npt.NDArray[np.floating], rows: int, throat: Float32 | None = None) -> Float32:
    """float[n] at 16 kHz to what the encoder sees for its first `rows` rows, float32[rows, 1, 80, 16].

    throat: float32[80, 80] that moves the bands, from `disturb.build_throat`.
    """
    mel = build_mel(samples)
    if throat is not None:
        mel = throat @ mel
    missing = max(0, first_column(max(rows - 1, 0)) + COLUMNS - mel.shape[1])
    mel = np.pad(mel, ((0, 0), (0, missing)), constant_values=SILENT)
    starts = [first_column(row) for row in range(rows)]
    return np.stack([mel[None, :, start : start + COLUMNS] for start in starts]).astype(np.float32)


def spread(values: Float32, rows: int) -> Float32:
    """float32[frames, k] to float32[rows, 5 * k]: row j gets frames j to j + 4, one after the other."""
    return np.concatenate([values[step : step + rows] for step in range(AROUND)], axis=1)


def shape_weights() -> Float32:
    """float32[5 * 9]: how much each number of `spread` counts. What opens and closes the mouth counts most."""
    axes = np.array([2.0, 1.0, 1.5, 0.7, 1.2, 0.7, 0.7, 2.0, 0.3], np.float32)
    steps = np.array([0.4, 0.8, 1.2, 0.8, 0.4], np.float32)
    if axes.size != AXES:
        raise ValueError("a weight for each number of a mouth shape")
    return np.outer(steps, axes).reshape(-1)
