"""Where a drawn mouth ends and the source frame begins: a soft edge, and colours that agree along it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Bool, Float32, UInt8

FEATHER_SHARE, CORNER_SHARE = 0.1, 0.3
"""Of the side of the inner picture: how wide the edge is, and how round the corners, where there is no face."""
JAW_DROP_SHARE, FACE_MARGIN_SHARE, FACE_BLUR_SHARE = 0.1, 0.05, 0.025
"""Of the side: room below the chin, around the face, and the softness of that border."""
LEAST_FACE_SHARE = 0.2
RING_WEIGHT = 0.6
"""Pixels that the source still shines through count for the colours."""
JAW_SHARE = 0.7
"""Below this part of the picture the jaw moves, so that colours there differ for a reason."""
FOLLOW_SHARE = 0.25
"""Share of the way to a new frame's colours, per frame."""
MOST_GAIN, MOST_SHIFT = 1.12, 20.0

_Levels = npt.NDArray[np.float64]


def build_soft_mask(spec: NetSpec) -> Float32:
    """float32[S, S] in 0..1: ones around the mouth, falling smoothly to zero at the border of the mask box."""
    x0, y0, x1, y1 = spec.mask_box
    feather, radius = FEATHER_SHARE * spec.inner, CORNER_SHARE * spec.inner
    # Distance to a box with round corners, negative inside.
    columns = np.abs(np.arange(spec.inner) - (x0 + x1 - 1) / 2) - (x1 - x0) / 2 + radius
    rows = np.abs(np.arange(spec.inner) - (y0 + y1 - 1) / 2) - (y1 - y0) / 2 + radius
    across, down = np.meshgrid(columns, rows)
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0) - radius
    t = np.clip(-outside / feather, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def build_face_mask(spec: NetSpec, outlines: list[Float32]) -> Float32:
    """The soft mask float32[S, S] in 0..1 cut to where a face is: collar, hair and wall stay the source's own.

    `outlines`: float32[K, 2] each, the oval around the face in pixels of the inner picture, in some frames of the loop.
    Their union is taken, with room below for a jaw that drops. Where they enclose next to nothing the soft mask is
    given as it is.
    """
    box = build_soft_mask(spec)
    face = np.zeros((spec.inner, spec.inner), np.uint8)
    for outline in outlines:
        for drop in (0.0, JAW_DROP_SHARE * spec.inner):
            points = np.clip(outline + np.array([0, drop]), -spec.inner, 2 * spec.inner)
            cv2.fillPoly(face, [np.rint(points).astype(np.int32)], 1)
    if face.mean() < LEAST_FACE_SHARE:
        return box
    margin = 2 * round(FACE_MARGIN_SHARE * spec.inner) + 1
    grown = cv2.dilate(face, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin)))
    soft = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), FACE_BLUR_SHARE * spec.inner)
    return np.asarray(box * soft, np.float32)


def find_ring(mask: Float32) -> Bool:
    """bool[S, S]: the part of the soft edge beside and above the mouth, where drawn and source picture should agree."""
    ring: Bool = (mask > 0) & (mask < RING_WEIGHT)
    ring[round(JAW_SHARE * mask.shape[0]) :] = False
    return ring


@dataclass(frozen=True, slots=True)
class RingColours:
    """Mean and spread of the ring, float64[3] each, in levels 0..255 of R, G and B."""

    mean: _Levels
    spread: _Levels


def measure_ring(inner: UInt8, ring: Bool) -> RingColours:
    """Colours of `inner` uint8[S, S, 3] under `ring` bool[S, S]."""
    mean, spread = cv2.meanStdDev(inner, mask=ring.astype(np.uint8))
    return RingColours(mean.ravel(), spread.ravel())


class ColourMatch:
    """Makes drawn pictures agree with their source frames along the edge. State: the correction of the last frame.

    Per channel a gain (of the spread) and a shift (of the mean), both limited, so that a hand before the mouth cannot
    turn a face green; both follow slowly, so that the mouth does not flicker.
    """

    def __init__(self) -> None:
        self._gain: _Levels | None = None
        self._shift: _Levels = np.zeros(3)

    def reset(self) -> None:
        """The next picture begins anew."""
        self._gain = None

    def apply(self, drawn: UInt8, ring: Bool, source: RingColours) -> UInt8:
        """`drawn` uint8[S, S, 3] with its colours corrected towards `source`, those of its source frame."""
        colours = measure_ring(drawn, ring)
        ratio = source.spread / np.maximum(colours.spread, 1.0)
        gain = np.clip(ratio, 1 / MOST_GAIN, MOST_GAIN)
        shift = np.clip(source.mean - colours.mean, -MOST_SHIFT, MOST_SHIFT)
        if self._gain is None:
            self._gain, self._shift = gain, shift
        else:
            self._gain = self._gain + FOLLOW_SHARE * (gain - self._gain)
            self._shift = self._shift + FOLLOW_SHARE * (shift - self._shift)
        levels = np.arange(256)[:, None]
        table = (levels - colours.mean) * self._gain + colours.mean + self._shift
        return np.asarray(cv2.LUT(drawn, np.clip(np.rint(table), 0, 255).astype(np.uint8)[None]), np.uint8)
