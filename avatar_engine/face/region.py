"""The turned square around a face that the landmark network looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from avatar_engine.face.detector import Face
from avatar_engine.face.topology import EYE_CORNERS
from avatar_engine.types import Float32, UInt8

MARGIN = 1.5
"""How much longer the square is than the longer side of the face: what the network was trained with."""


@dataclass(frozen=True, slots=True)
class Region:
    """centre_x, centre_y, side: px of the whole picture. angle: radians, clockwise as seen, of the line of the eyes."""

    centre_x: float
    centre_y: float
    side: float
    angle: float

    def to_affine(self, size: int) -> npt.NDArray[np.float64]:
        """float64[2, 3] that maps pixel coordinates of a `size` x `size` crop to those of the whole picture."""
        scale = self.side / size
        cos, sin = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        half = size / 2
        return np.array(
            [
                [cos, -sin, self.centre_x - (cos - sin) * half],
                [sin, cos, self.centre_y - (sin + cos) * half],
            ]
        )


def region_of_face(face: Face) -> Region:
    """From a box and its eyes; the box is that of the whole face, not yet exact."""
    angle = _angle(face.eyes[0], face.eyes[1])
    side = max(face.width, face.height) * MARGIN
    return Region(face.left + face.width / 2, face.top + face.height / 2, side, angle)


def region_of_points(points: Float32) -> Region:
    """From float32[478, 2] points of the same face, a moment ago or of a first look."""
    angle = _angle(points[EYE_CORNERS[0]], points[EYE_CORNERS[1]])
    low, high = points.min(axis=0), points.max(axis=0)
    centre = (low + high) / 2
    return Region(float(centre[0]), float(centre[1]), float((high - low).max()) * MARGIN, angle)


def cut_region(rgb: UInt8, region: Region, size: int) -> UInt8:
    """uint8[size, size, 3], upright; black outside of the picture."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if region.side <= 2 * size:
        return np.asarray(cv2.warpAffine(rgb, region.to_affine(size), (size, size), flags=flags), np.uint8)
    # A large face is first cut at a multiple of the size and then averaged down: plain sampling would alias.
    times = math.ceil(region.side / size)
    large = cv2.warpAffine(rgb, region.to_affine(size * times), (size * times, size * times), flags=flags)
    return np.asarray(cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _angle(left: Float32, right: Float32) -> float:
    return math.atan2(float(right[1] - left[1]), float(right[0] - left[0]))
