"""What is measured on the points of a face: where SyncTalk_2D cuts, and how far the mouth is open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatar_engine.face.topology import (
    CHIN,
    EYE_CORNERS,
    INNER_LIP_BOTTOMS,
    INNER_LIP_CORNERS,
    INNER_LIP_TOPS,
    LEFT_JAW_TOP,
    LIP_CORNERS,
    NOSE_BRIDGE,
    OUTER_LIP_BOTTOM,
    OUTER_LIP_TOP,
    POINTS,
    RIGHT_JAW_TOP,
)
from avatar_engine.types import Float32

CROP_NOSE = NOSE_BRIDGE[3]
"""Stands for point 52 of the 110-point set. Measured from the line of the eyes (0) to the middle of the lips (1),
point 52 lies at 0.28 over 523 frames of a published clip; this point lies at 0.19 to 0.33 over eight faces that look
ahead (mean 0.25), its neighbours on the bridge at 0.17 and 0.35. The midpoints of the jaw lie 2.18 eye distances
apart, points 1 and 31 of the clip 2.19."""


@dataclass(frozen=True, slots=True)
class LipMeasures:
    """Each float32[...], in pixels of the picture, for points float32[..., 478, 2].

    inner_opening: mean distance of the three middle pairs of the inner edges; 0 for a closed mouth.
    outer_opening: from the middle of the upper lip's upper edge to that of the lower lip's lower edge.
    width:         between the outer corners of the lips.
    inner_width:   between the inner corners.
    face:          distance of the outer eye corners, the unit to divide by; does not depend on the mouth.
    """

    inner_opening: Float32
    outer_opening: Float32
    width: Float32
    inner_width: Float32
    face: Float32


def find_crop_points(points: Float32) -> Float32:
    """float32[..., 3, 2]: what stands for points 1, 52 and 31 of the 110-point set, from float32[..., 478, 2].

    They are the left end of the jaw, the nose bridge and the right end of the jaw, as `synctalk_2d.crop` takes them.
    """
    _check(points)
    left = points[..., LEFT_JAW_TOP, :].mean(axis=-2)
    right = points[..., RIGHT_JAW_TOP, :].mean(axis=-2)
    return np.stack([left, points[..., CROP_NOSE, :], right], axis=-2).astype(np.float32)


def measure_lips(points: Float32) -> LipMeasures:
    """Opening and width of the mouth for points float32[..., 478, 2]."""
    _check(points)
    return LipMeasures(
        inner_opening=_distance(points, INNER_LIP_TOPS, INNER_LIP_BOTTOMS).mean(axis=-1),
        outer_opening=_distance(points, (OUTER_LIP_TOP,), (OUTER_LIP_BOTTOM,))[..., 0],
        width=_distance(points, LIP_CORNERS[:1], LIP_CORNERS[1:])[..., 0],
        inner_width=_distance(points, INNER_LIP_CORNERS[:1], INNER_LIP_CORNERS[1:])[..., 0],
        face=_distance(points, EYE_CORNERS[:1], EYE_CORNERS[1:])[..., 0],
    )


def measure_turn(points: Float32) -> Float32:
    """How far the head is turned to a side, float32[...] in -1..1; 0 looks ahead, beyond about 0.5 is a profile.

    It is the place of the nose between both ends of the jaw. The jaw's ends are found on the line between them.
    """
    crop = find_crop_points(points).astype(np.float64)
    across = crop[..., 2, :] - crop[..., 0, :]
    along = ((points[..., CHIN, :] + crop[..., 1, :]) / 2 - crop[..., 0, :]) * across
    turn = 2 * along.sum(axis=-1) / np.maximum((across**2).sum(axis=-1), 1e-9) - 1
    return np.asarray(turn, np.float32)


def _distance(points: Float32, first: tuple[int, ...], second: tuple[int, ...]) -> Float32:
    between = points[..., first, :].astype(np.float64) - points[..., second, :]
    return np.asarray(np.linalg.norm(between, axis=-1), np.float32)


def _check(points: Float32) -> None:
    if points.shape[-2:] != (POINTS, 2):
        raise ValueError(f"points are float32[..., {POINTS}, 2], not {points.dtype}{list(points.shape)}")
