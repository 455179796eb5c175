"""Lay a patch over its source frame."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.types import Float32, UInt8

SHRINKS_BELOW = 0.75
"""A patch shown at less than this part of its size is first averaged down."""


def is_identity(affine: Float32) -> bool:
    """True for the 2x3 matrix that moves nothing."""
    return bool(np.array_equal(affine, np.eye(2, 3, dtype=np.float32)))


def paste(source_frame: UInt8 | None, patch_rgb: UInt8, affine: Float32, mask: Float32 | None) -> UInt8:
    """One picture, uint8[H, W, 3] RGB, from source_frame uint8[H, W, 3] and patch_rgb uint8[h, w, 3].

    affine: float32[2, 3], patch pixels to source pixels. mask: float32[h, w] in 0..1, how much of the patch shows.
    Patches are resampled bicubically, and by area first where they are to become much smaller, so that nothing
    shimmers. Only the rectangle that the patch reaches is worked on, on a copy. Not copied: a full-frame patch (no
    source, or the identity with no mask and the same size), and a source frame whose mask is all zeros.
    """
    if source_frame is None:
        return patch_rgb
    if mask is None and patch_rgb.shape == source_frame.shape and is_identity(affine):
        return patch_rgb
    if mask is not None and not mask.any():
        return source_frame
    weight = np.ones(patch_rgb.shape[:2], np.float32) if mask is None else mask
    patch_rgb, weight, affine = _shrink(patch_rgb, weight, affine)
    frame = source_frame.copy()
    left, top, right, bottom = _bounds(patch_rgb.shape[:2], affine, source_frame.shape[:2])
    if left >= right or top >= bottom:
        return frame
    local = affine.astype(np.float64)
    local[:, 2] -= (left, top)
    size = (right - left, bottom - top)
    moved = cv2.warpAffine(patch_rgb, local, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(weight, local, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    region = frame[top:bottom, left:right]
    blended = region + (moved.astype(np.float32) - region) * share[:, :, None]
    region[:] = np.clip(np.rint(blended), 0, 255).astype(np.uint8)
    return frame


def _shrink(rgb: UInt8, weight: Float32, affine: Float32) -> tuple[UInt8, Float32, Float32]:
    """Patch, mask and affine at about the size at which the patch is shown, where that is much smaller."""
    scale = float(np.sqrt(abs(np.linalg.det(affine[:, :2].astype(np.float64)))))
    if scale >= SHRINKS_BELOW:
        return rgb, weight, affine
    height, width = rgb.shape[:2]
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    across, down = width / size[0], height / size[1]
    enlarge = np.array([[across, 0, 0.5 * across - 0.5], [0, down, 0.5 * down - 0.5], [0, 0, 1]])
    return (
        np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_AREA), np.float32),
        (affine.astype(np.float64) @ enlarge).astype(np.float32),
    )


def _bounds(patch: tuple[int, ...], affine: Float32, frame: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the frame pixels that the patch can touch."""
    height, width = patch
    corners = np.array([[-1, -1, 1], [width, -1, 1], [-1, height, 1], [width, height, 1]], np.float64)
    reached = corners @ affine.astype(np.float64).T
    low = np.maximum(np.floor(reached.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(reached.max(axis=0)).astype(int) + 1, (frame[1], frame[0]))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
