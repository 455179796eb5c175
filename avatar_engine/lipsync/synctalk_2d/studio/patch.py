"""A box of the head's texture that is drawn again for every frame."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.layout import Layout
from avatar_engine.types import Float32

Box = tuple[float, float, float, float]


class Patch:
    """Coordinates of a box in units from its centre: x float32[1, w] and y float32[h, 1], y downwards.

    box: pixel bounds x0, y0, x1, y1 in the texture. pixel: the side of one pixel in units.
    """

    def __init__(self, layout: Layout, centre: tuple[float, float], reach: Box) -> None:
        """`reach` says how far the box goes to the left, up, right and down of `centre`, in units."""
        cx, cy = centre
        self.box = layout.box(cx - reach[0], cy - reach[1], cx + reach[2], cy + reach[3])
        x0, y0, x1, y1 = self.box
        self.pixel = 1 / layout.scale
        self.x: Float32 = ((np.arange(x0, x1) + 0.5 - layout.left) / layout.scale - cx).astype(np.float32)[None, :]
        self.y: Float32 = ((np.arange(y0, y1) + 0.5 - layout.top) / layout.scale - cy).astype(np.float32)[:, None]

    def cut(self, texture: Float32) -> Float32:
        """The box of a texture float32[H, W, ...] as a view that can be painted into."""
        x0, y0, x1, y1 = self.box
        return texture[y0:y1, x0:x1]

    def below(self, edge: Float32, softness: float = 0.0) -> Float32:
        """Share of each pixel below the curve `edge` float32[1, w], smooth over a pixel and `softness` units."""
        slope = np.gradient(edge[0])[None, :] / np.float32(self.pixel)
        width = np.float32(self.pixel + softness) * np.sqrt(1 + slope * slope)
        share: Float32 = np.clip((self.y - edge) / width + np.float32(0.5), 0, 1)
        return share


def lay(picture: Float32, colour: Float32, cover: Float32) -> None:
    """Blend a colour float32[3] or a picture into `picture` float32[h, w, 3] by `cover` float32[h, w]."""
    picture += (colour - picture) * cover[:, :, None]


def step(low: float, high: float, value: Float32) -> Float32:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    smooth: Float32 = t * t * (3 - 2 * t)
    return smooth
