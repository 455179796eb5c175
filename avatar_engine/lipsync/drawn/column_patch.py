"""A small box of the painting that is redrawn per frame from curves over its columns."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.layout import Layout
from avatar_engine.types import Float32, UInt8


class ColumnPatch:
    """Pixels of a box in units from its centre: x float32[w], y float32[h, 1], `pixel` their size; y grows downwards.

    `skin` float32[h, w, 3] is what the painting showed in the box when the patch was made.
    """

    def __init__(
        self, painting: UInt8, layout: Layout, centre: tuple[float, float], reach_x: float, up: float, down: float
    ) -> None:
        cx, cy = centre
        self._box = layout.box(cx - reach_x, cy - up, cx + reach_x, cy + down)
        x0, y0, x1, y1 = self._box
        self.pixel = 1 / layout.scale
        self.x: Float32 = ((np.arange(x0, x1) + 0.5 - layout.left) / layout.scale - cx).astype(np.float32)
        self.y: Float32 = ((np.arange(y0, y1) + 0.5 - layout.top) / layout.scale - cy).astype(np.float32)[:, None]
        self.skin: Float32 = painting[y0:y1, x0:x1, :3].astype(np.float32)

    def cover(self, edge: Float32) -> Float32:
        """Share of each pixel below the curve `edge` float32[w], 0..1 float32[h, w]; steep curves stay smooth."""
        slope = np.gradient(edge) / np.float32(self.pixel)
        sharpness = 1 / (np.float32(self.pixel) * np.sqrt(1 + slope * slope))
        share: Float32 = np.clip((self.y - edge) * sharpness + np.float32(0.5), 0, 1)
        return share

    def write(self, painting: UInt8, picture: Float32) -> None:
        """Put picture float32[h, w, 3] into the painting, uint8[H, W, 4]."""
        x0, y0, x1, y1 = self._box
        painting[y0:y1, x0:x1, :3] = cv2.convertScaleAbs(picture)


def lay(picture: Float32, colour: Float32, cover: Float32) -> None:
    """Blend a colour or a picture of the same shape into `picture` by `cover` float32[h, w]."""
    picture += (colour - picture) * cover[:, :, None]
