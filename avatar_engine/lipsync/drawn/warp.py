"""Moves the painted figure: a few smooth displacement fields, mixed per frame, applied by one remap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.drawn.layout import CENTRE_X, CHIN_Y, EYE_X, EYE_Y, HEAD_PIVOT_Y, MOUTH_Y, Layout
from avatar_engine.types import Float32, UInt8

NODE_PIXELS = 8
"""Spacing of the coarse grid on which fields are mixed; they are smooth, so the grid is enlarged linearly."""
STILL_SHARE = 0.004
"""Weaker parts of a field count as nothing, so that the wall stands still to the bit and costs the encoder nothing."""
_MARGIN_NODES = 1

_Grid = npt.NDArray[np.float64]


class Pose(NamedTuple):
    """How far the figure is from the painting, in units (shifts) and radians (tilt).

    shift_x, shift_y, tilt: the whole head. yaw, pitch: shift of the nose tip; the outline moves less, hair more.
    breath: rise of the shoulders. jaw: drop of the chin. brow: rise of the brows.
    hair: swing of the hair's ends behind the head.
    """

    shift_x: float = 0.0
    shift_y: float = 0.0
    tilt: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    breath: float = 0.0
    jaw: float = 0.0
    brow: float = 0.0
    hair: float = 0.0


def _step(low: float, high: float, value: _Grid) -> _Grid:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _bump(x: _Grid, y: _Grid, at: tuple[float, float], size: tuple[float, float]) -> _Grid:
    return np.exp(-(((x - at[0]) / size[0]) ** 2) - ((y - at[1]) / size[1]) ** 2)


def _build_fields(x: _Grid, y: _Grid) -> list[tuple[_Grid, _Grid]]:
    """Displacement (dx, dy) in units per unit of each `Pose` number, at points (x, y) in units."""
    zero = np.zeros_like(x)
    radius = np.hypot((x - CENTRE_X) / 1.0, (y - 0.37) / 1.22)
    head = (1 - _step(0.26, 0.42, radius)) * (1 - _step(0.6, 0.79, y))
    face = _bump(x, y, (CENTRE_X, 0.43), (0.135, 0.19))
    turn = 0.32 * head + 0.68 * face
    chest = _step(0.6, 0.82, y)
    jaw_width = np.exp(-(((x - CENTRE_X) / 0.11) ** 4))
    chin = jaw_width * _step(MOUTH_Y + 0.002, MOUTH_Y + 0.06, y) * (1 - _step(CHIN_Y, CHIN_Y + 0.085, y))
    brow = _bump(x, y, (CENTRE_X - EYE_X, EYE_Y - 0.068), (0.055, 0.026))
    brow = brow + _bump(x, y, (CENTRE_X + EYE_X, EYE_Y - 0.068), (0.055, 0.026))
    side = _bump(x, y, (CENTRE_X - 0.185, 0.58), (0.07, 0.16)) + _bump(x, y, (CENTRE_X + 0.185, 0.58), (0.07, 0.16))
    return [
        (head, zero),
        (zero, head),
        (-(y - HEAD_PIVOT_Y) * head, (x - CENTRE_X) * head),
        (turn, zero),
        (zero, turn),
        ((x - CENTRE_X) * 0.35 * chest, -chest),
        (zero, chin),
        (zero, -brow),
        (side, zero),
    ]


@dataclass(frozen=True, slots=True)
class Warp:
    """Fields of one layout, ready to mix. Make it with `build_warp`."""

    layout: Layout
    painting_scale: float
    mix: Float32
    grid_shape: tuple[int, int]

    def render(self, painting: UInt8, pose: Pose) -> UInt8:
        """The painting, uint8[h, w, 4], seen in `pose`: uint8[height, width, 4] at the layout's size."""
        gains = np.array((1.0, *pose), np.float32)
        coarse = (gains @ self.mix).reshape(*self.grid_shape, 2)
        rows, columns = self.grid_shape
        fine = cv2.resize(coarse, (columns * NODE_PIXELS, rows * NODE_PIXELS), interpolation=cv2.INTER_LINEAR)
        skip = _MARGIN_NODES * NODE_PIXELS
        source = fine[skip : skip + self.layout.height, skip : skip + self.layout.width]
        picture: UInt8 = cv2.remap(painting, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return picture


def build_warp(layout: Layout, painting: Layout) -> Warp:
    """Fields for pictures of `layout` out of a painting with its own layout (usually a little larger)."""
    rows = -(-layout.height // NODE_PIXELS) + 2 * _MARGIN_NODES
    columns = -(-layout.width // NODE_PIXELS) + 2 * _MARGIN_NODES
    pixel_y = (np.arange(rows) - _MARGIN_NODES + 0.5) * NODE_PIXELS - 0.5
    pixel_x = (np.arange(columns) - _MARGIN_NODES + 0.5) * NODE_PIXELS - 0.5
    py, px = np.meshgrid(pixel_y, pixel_x, indexing="ij")
    x = (px + 0.5 - layout.left) / layout.scale
    y = (py + 0.5 - layout.top) / layout.scale
    still = np.stack([x * painting.scale + painting.left - 0.5, y * painting.scale + painting.top - 0.5], axis=-1)
    moves = [np.stack(field, axis=-1) * -painting.scale for field in _build_fields(x, y)]
    for move in moves:
        move[np.abs(move) < STILL_SHARE * painting.scale] = 0.0
    mix = np.stack([still, *moves]).reshape(1 + len(moves), -1).astype(np.float32)
    return Warp(layout, painting.scale, mix, (rows, columns))
