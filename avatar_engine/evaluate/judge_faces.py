"""The grey face that a judge of who is speaking looks at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from avatar_engine.types import Float32, UInt8

FACE_PX = 112
STEADY_FRAMES = 13
"""Boxes are median-filtered over half a second, as where the judges were trained."""

_ROOM = 0.3
_UP, _DOWN = 0.15, 0.55
"""The square in heights of the face from its middle: the centre half of a face track, from the eyes to the chin."""


def build_squares(points: Float32) -> npt.NDArray[np.float64]:
    """float64[frames, 3] centre x, top y and side in pixels, steadied, from face points float32[frames, n, 2]."""
    low, high = points.min(axis=1).astype(np.float64), points.max(axis=1).astype(np.float64)
    boxes = np.column_stack([(low + high) / 2, (high - low).max(axis=1)])
    rim = STEADY_FRAMES // 2
    around = np.pad(boxes, ((rim, rim), (0, 0)), mode="edge")
    steady = np.median(np.lib.stride_tricks.sliding_window_view(around, STEADY_FRAMES, axis=0), axis=-1)
    x, y, height = steady.T
    squares: npt.NDArray[np.float64] = np.column_stack([x, y - _UP * height, (_UP + _DOWN) * height])
    return squares


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A face with room around it: grey uint8[h, w], cut from a frame at column `left` and row `top`."""

    grey: UInt8
    left: int
    top: int


def keep_surroundings(frame: UInt8, points: Float32) -> Surroundings:
    """What `cut_face` may want of frame uint8[h, w, 3] RGB, once the squares of all frames are known."""
    low, high = points.min(axis=0), points.max(axis=0)
    room = _ROOM * float((high - low).max())
    height, width = frame.shape[:2]
    left, top = (int(np.clip(v - room, 0, limit - 1)) for v, limit in zip(low, (width, height), strict=True))
    right, bottom = (int(np.clip(v + room, 1, limit)) for v, limit in zip(high, (width, height), strict=True))
    part = np.ascontiguousarray(frame[top : max(bottom, top + 1), left : max(right, left + 1)])
    return Surroundings(np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.uint8), left, top)


def cut_face(face: Surroundings, square: npt.NDArray[np.float64]) -> UInt8:
    """uint8[112, 112] of one square in frame pixels; edges go on where the frame ends."""
    x, top, side = (float(value) for value in square)
    scale = side / FACE_PX
    affine = np.array([[scale, 0, x - side / 2 - face.left], [0, scale, top - face.top]])
    grey = face.grey
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if scale > 1:
        grey = cv2.GaussianBlur(grey, (0, 0), scale / 2)
    face = cv2.warpAffine(grey, affine, (FACE_PX, FACE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(face, np.uint8)
