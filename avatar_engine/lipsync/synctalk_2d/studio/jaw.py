"""Moves the skin of the lower face with the jaw, the corners of the mouth and the cheeks."""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.layout import CENTRE_X, CHIN_Y, MOUTH_Y
from avatar_engine.lipsync.drawn.mouth import CHIN_SHARE, measure_opening
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas
from avatar_engine.lipsync.drawn.shape import REST, MouthShape
from avatar_engine.lipsync.synctalk_2d.studio.patch import step
from avatar_engine.lipsync.synctalk_2d.studio.skin import Skin
from avatar_engine.types import Float32

_WIDEST_OPENING = 0.046
BOX = (0.335, 0.43, 0.665, 0.70)
"""The lower face in units: outside it speech changes nothing."""


def measure_efforts(shape: MouthShape) -> dict[str, float]:
    """How much of each effort of the skin a mouth asks for, 0..1."""
    opening = measure_opening(shape)
    return {
        "smile": max(0.0, shape.smile),
        "wide": max(0.0, shape.width),
        "open": min(1.0, opening / _WIDEST_OPENING),
        "round": max(0.0, shape.round),
        "press": min(1.0, shape.press) if shape.press > 0.3 else 0.0,
    }


class LowerFace:
    """The lower face as moving skin, for one texture of the head."""

    def __init__(self, canvas: Canvas, skin: Skin) -> None:
        """`canvas` has the layout of the texture; `skin` was built on it."""
        self.box = canvas.layout.box(*BOX)
        x0, y0, x1, y1 = self.box
        cut = (slice(y0, y1), slice(x0, x1))
        self._rest = np.dstack([skin.rest, skin.head])[cut].astype(np.float32)
        self._changes = {name: change[cut].copy() for name, change in skin.changes.items()}
        x, y = canvas.x[:, x0:x1] - CENTRE_X, canvas.y[y0:y1]
        self._fields = _build_fields(x, y)
        self._scale = np.float32(canvas.layout.scale)
        columns, rows = np.meshgrid(np.arange(x1 - x0), np.arange(y1 - y0))
        self._still = np.stack([columns, rows], axis=-1).astype(np.float32)

    def render(self, shape: MouthShape) -> Float32:
        """Skin and coverage of the box with this mouth, float32[h, w, 4]: RGB 0..255 and cover 0..1."""
        efforts = measure_efforts(shape)
        rest = measure_efforts(REST)
        skin = self._rest.copy()
        for name, share in efforts.items():
            change = share - (rest["smile"] * 0.5 if name == "smile" else 0.0)
            if abs(change) > 1e-3:
                skin[:, :, :3] += np.float32(change) * self._changes[name]
        drop = CHIN_SHARE * measure_opening(shape)
        gains = (drop, shape.width - REST.width, shape.smile - REST.smile, shape.round, shape.upper * (1 - shape.press))
        move = sum(np.float32(gain) * field for gain, field in zip(gains, self._fields, strict=True))
        source = self._still - np.asarray(move, np.float32) * self._scale
        moved: Float32 = cv2.remap(skin, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return moved


def _build_fields(x: Float32, y: Float32) -> tuple[Float32, ...]:
    """Displacement float32[h, w, 2] in units per unit of: chin drop, width, smile, rounding, raised upper lip.

    Every field is nothing at the edge of the box.
    """
    zero = np.zeros((y.shape[0], x.shape[1]), np.float32)
    edge = step(0.43, 0.46, y) * (1 - step(0.14, 0.162, np.abs(x)))
    jaw_width = np.exp(-((x / 0.128) ** 4))
    chin = jaw_width * step(MOUTH_Y - 0.012, MOUTH_Y + 0.066, y) * (1 - step(CHIN_Y + 0.004, CHIN_Y + 0.075, y))
    corners = np.exp(-(((np.abs(x) - 0.056) / 0.024) ** 2) - ((y - MOUTH_Y) / 0.032) ** 2) * edge
    cheeks = np.exp(-(((np.abs(x) - 0.072) / 0.028) ** 2) - ((y - 0.5) / 0.034) ** 2) * edge
    lip = np.exp(-((x / 0.035) ** 2) - ((y - (MOUTH_Y - 0.018)) / 0.016) ** 2) * edge
    sign = np.sign(x)
    return (
        np.stack([-0.10 * x / 0.1 * chin, chin], axis=-1).astype(np.float32),
        np.stack([0.0075 * sign * corners, -0.001 * corners], axis=-1).astype(np.float32),
        np.stack([0.004 * sign * cheeks, -0.0075 * cheeks], axis=-1).astype(np.float32),
        np.stack([-0.010 * sign * corners, zero], axis=-1).astype(np.float32),
        np.stack([zero, -0.004 * lip], axis=-1).astype(np.float32),
    )
