"""Where the face lies, what a network sees of it, and how its answer goes back into the frame.

The geometry is that of SyncTalk_2D, for its inner pictures of 320 px, and of Ultralight-Digital-Human for 160 px.
S is `spec.inner`. Colours are whatever comes in, except in `build_picture`. Pixel centres lie at whole numbers.
"""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_INNER_PX, RIM_PX, NetSpec
from avatar_engine.types import Float32, Int32, UInt8


def build_rectangle(left: Float32, nose: Float32, right: Float32) -> Int32:
    """The square to cut, int32[4] x0, y0, x1, y1 with x1 and y1 outside, from three points (x, y) in frame pixels.

    `left` and `right` are points 1 and 31 of the 110-point set, where the jaw begins on either side; `nose` is point
    52, the second from the bottom of the bridge. Coordinates are truncated. Raises ValueError for an empty square.
    """
    x0, y0, x1 = int(left[0]), int(nose[1]), int(right[0])
    if x1 <= x0:
        raise ValueError(f"the jaw reaches from {x0} to {x1}: no face looks into the camera")
    return np.array([x0, y0, x1, y0 + x1 - x0], np.int32)


def cut_crop(frame: UInt8, rectangle: Int32, spec: NetSpec, *, training: bool = False) -> UInt8:
    """The square of `frame` uint8[H, W, 3] at working size, uint8[S+8, S+8, 3]; black where it leaves the frame.

    Resized bicubically, or bilinearly for training, as the original does; small nets shrink by area in both cases.
    """
    x0, y0, x1, y1 = (int(value) for value in rectangle)
    if x1 <= x0 or y1 <= y0:
        raise ValueError(f"an empty square: {x0}, {y0} to {x1}, {y1}")
    height, width = frame.shape[:2]
    inside = frame[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    if inside.shape[:2] != (y1 - y0, x1 - x0):
        square = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
        if inside.size:
            top, left = max(-y0, 0), max(-x0, 0)
            square[top : top + min(y1, height) - max(y0, 0), left : left + min(x1, width) - max(x0, 0)] = inside
        inside = square
    size = (spec.crop, spec.crop)
    return np.asarray(cv2.resize(inside, size, interpolation=_choose_resize(spec, training)), np.uint8)


def _choose_resize(spec: NetSpec, training: bool) -> int:
    if spec.inner < PUBLISHED_INNER_PX:
        return int(cv2.INTER_AREA)
    return int(cv2.INTER_LINEAR if training else cv2.INTER_CUBIC)


def take_inner(crop: UInt8) -> UInt8:
    """The inner picture uint8[..., S, S, 3] of crops uint8[..., S+8, S+8, 3]; a view."""
    return crop[..., RIM_PX:-RIM_PX, RIM_PX:-RIM_PX, :]


def mask_inner(inner: UInt8, spec: NetSpec) -> UInt8:
    """A copy of inner pictures uint8[..., S, S, 3] with the mask box black: the part that the network redraws."""
    masked = inner.copy()
    x0, y0, x1, y1 = spec.mask_box
    masked[..., y0:y1, x0:x1, :] = 0
    return masked


def build_picture(reference: UInt8, target: UInt8, spec: NetSpec) -> Float32:
    """What a network looks at, float32[6, S, S], BGR in 0..1: `reference`, then `target` with its mask box black.

    Both are inner pictures uint8[S, S, 3], RGB. On air they are the same one.
    """
    both = np.concatenate([reference[..., ::-1], mask_inner(target, spec)[..., ::-1]], axis=-1)
    return np.ascontiguousarray(both.transpose(2, 0, 1), np.float32) / np.float32(255)


def build_affine(rectangle: Int32, spec: NetSpec) -> Float32:
    """float32[2, 3] that takes pixels of the inner picture to pixels of the frame, as resizing the crop back does."""
    x0, y0, x1, y1 = (float(value) for value in rectangle)
    across, down = (x1 - x0) / spec.crop, (y1 - y0) / spec.crop
    shift = RIM_PX + 0.5
    return np.array([[across, 0, x0 + shift * across - 0.5], [0, down, y0 + shift * down - 0.5]], np.float32)


def put_back(frame: UInt8, rectangle: Int32, crop: UInt8) -> UInt8:
    """A copy of `frame` with its square replaced by `crop` uint8[S+8, S+8, 3], a hard edge, bicubic, as the original.

    What leaves the frame is dropped. On air `compose/paste.py` with a soft mask takes this place.
    """
    x0, y0, x1, y1 = (int(value) for value in rectangle)
    height, width = frame.shape[:2]
    square = cv2.resize(crop, (x1 - x0, y1 - y0), interpolation=cv2.INTER_CUBIC)
    result = frame.copy()
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if left < right and top < bottom:
        result[top:bottom, left:right] = square[top - y0 : bottom - y0, left - x0 : right - x0]
    return result
