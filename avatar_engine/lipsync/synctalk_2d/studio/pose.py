"""How the head and shoulders of one frame stand, and how each layer of the painting follows them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.drawn.layout import CENTRE_X, EYE_X, EYE_Y, HEAD_PIVOT_Y, Layout
from avatar_engine.types import Float32

NODE_PIXELS = 8
"""Spacing of the coarse grid on which the fields are mixed."""
_Grid = npt.NDArray[np.float64]
_Field = tuple[_Grid, _Grid]


class Pose(NamedTuple):
    """How far the figure is from the painting: shifts in units of the figure, tilt in radians.

    shift_x, shift_y, tilt: the whole head. yaw, pitch: way of the nose's tip; the outline moves less.
    breath: rise of the shoulders. brow: rise of the brows. sway: swing of the hair's ends.
    """

    shift_x: float = 0.0
    shift_y: float = 0.0
    tilt: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    breath: float = 0.0
    brow: float = 0.0
    sway: float = 0.0


def _step(low: float, high: float, value: _Grid) -> _Grid:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _bump(x: _Grid, y: _Grid, at: tuple[float, float], size: tuple[float, float]) -> _Grid:
    return np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2)


def _follow_head(x: _Grid, y: _Grid, share: _Grid, depth: _Grid) -> list[_Field]:
    """Shift, tilt, yaw and pitch of what goes with the head by `share` and stands `depth` forward of its outline."""
    zero = np.zeros_like(x)
    turn = share * depth
    return [
        (share, zero),
        (zero, share),
        (-(y - HEAD_PIVOT_Y) * share, (x - CENTRE_X) * share),
        (turn, zero),
        (zero, turn),
    ]


def _chest(x: _Grid, y: _Grid, share: _Grid) -> _Field:
    return (x - CENTRE_X) * 0.35 * share, -share


def _build_head_fields(x: _Grid, y: _Grid) -> list[_Field]:
    zero = np.zeros_like(x)
    face = _bump(x, y, (CENTRE_X, 0.43), (0.14, 0.2))
    nose = _bump(x, y, (CENTRE_X, 0.468), (0.032, 0.04))
    depth = 0.34 + 0.50 * face + 0.16 * nose
    brows = _bump(x, y, (CENTRE_X - EYE_X, EYE_Y - 0.062), (0.058, 0.026))
    brows = brows + _bump(x, y, (CENTRE_X + EYE_X, EYE_Y - 0.062), (0.058, 0.026))
    return [*_follow_head(x, y, np.ones_like(x), depth), (zero, zero), (zero, -brows), (zero, zero)]


def _build_hair_fields(x: _Grid, y: _Grid) -> list[_Field]:
    zero = np.zeros_like(x)
    share = 1 - 0.85 * _step(0.58, 0.84, y)
    depth = 0.32 + 0.26 * _bump(x, y, (CENTRE_X, 0.2), (0.2, 0.16))
    swing = _step(0.42, 0.86, y)
    return [*_follow_head(x, y, share, depth), _chest(x, y, 1 - share), (zero, zero), (swing, zero)]


def _build_body_fields(x: _Grid, y: _Grid) -> list[_Field]:
    zero = np.zeros_like(x)
    share = 1 - _step(0.60, 0.80, y)
    chest = _step(0.6, 0.82, y)
    swing = _step(0.42, 0.86, y) * np.clip((np.abs(x - CENTRE_X) - 0.1) / 0.1, 0, 1) * (1 - _step(0.76, 0.84, y))
    return [*_follow_head(x, y, share, np.full_like(x, 0.16)), _chest(x, y, chest), (zero, zero), (swing, zero)]


class PoseFields:
    """The fields of the three layers for one picture size; `layout` is that of the finished picture."""

    LAYERS = ("body", "head", "hair")

    def __init__(self, layout: Layout) -> None:
        rows, columns = -(-layout.height // NODE_PIXELS) + 2, -(-layout.width // NODE_PIXELS) + 2
        nodes = np.arange(rows, dtype=np.float64), np.arange(columns, dtype=np.float64)
        pixel_y, pixel_x = np.meshgrid(nodes[0] * NODE_PIXELS, nodes[1] * NODE_PIXELS, indexing="ij")
        x: _Grid = (pixel_x - layout.left) / layout.scale
        y: _Grid = (pixel_y - layout.top) / layout.scale
        self._layout = layout
        self._fields: dict[str, Float32] = {}
        for name, build in zip(self.LAYERS, (_build_body_fields, _build_head_fields, _build_hair_fields), strict=True):
            self._fields[name] = np.stack([np.stack(f, axis=-1) for f in build(x, y)]).astype(np.float32)

    def mix(self, layer: str, pose: Pose) -> Float32:
        """Displacement of the layer on the coarse grid, in units, float32[rows, columns, 2]."""
        mixed: Float32 = np.tensordot(np.array(pose, np.float32), self._fields[layer], axes=1)
        return mixed

    def sample(self, mixed: Float32, box: tuple[int, int, int, int], finer: int) -> Float32:
        """The mixed field for every pixel of `box` (x0, y0, x1, y1 of the picture), `finer` per pixel each way."""
        x0, y0, x1, y1 = box
        step = 1 / (finer * NODE_PIXELS)
        matrix = np.array(((step, 0, (x0 + 0.5 / finer) / NODE_PIXELS), (0, step, (y0 + 0.5 / finer) / NODE_PIXELS)))
        size = ((x1 - x0) * finer, (y1 - y0) * finer)
        field: Float32 = cv2.warpAffine(mixed, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return field

    def move_points(self, mixed: Float32, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Where points float64[n, 2] of the painting stand in the picture, both in units."""
        layout = self._layout
        moved = points.copy()
        for _ in range(4):
            at = (moved * layout.scale + (layout.left, layout.top)) / NODE_PIXELS
            field = cv2.remap(mixed, at.astype(np.float32)[None], None, cv2.INTER_LINEAR)[0]
            moved = points + field
        return moved
