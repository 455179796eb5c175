"""The curves of the mouth: where the lips begin and end over every column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatar_engine.lipsync.drawn.layout import MOUTH_HALF_WIDTH
from avatar_engine.lipsync.drawn.mouth import measure_opening
from avatar_engine.lipsync.drawn.shape import MouthShape
from avatar_engine.types import Float32

CORNER_FALL = 0.26
"""The corners go down by this share of the gap: the upper lip belongs to the skull, the lower to the jaw."""


@dataclass(frozen=True, slots=True)
class MouthForm:
    """Heights in units below the lip line, float32[1, columns]; `across` is 0 in the middle and 1 at the corners.

    inside: 1 in the middle, 0 at and beyond the corners. opening, lift: the gap in the middle, and how far the upper
    lip is raised, in units. half: from the middle to a corner, in units.
    """

    across: Float32
    outer_top: Float32
    inner_top: Float32
    inner_bottom: Float32
    outer_bottom: Float32
    inside: Float32
    opening: float
    lift: float
    half: float


def build_mouth_form(x: Float32, shape: MouthShape) -> MouthForm:
    """The mouth over columns `x` float32[1, columns], in units from the middle."""
    half = MOUTH_HALF_WIDTH * (1 + 0.16 * shape.width - 0.32 * shape.round - 0.06 * shape.jaw)
    u = x / np.float32(half)
    away = np.abs(u)
    inside = np.clip(1 - u * u, 0, 1)
    opening = measure_opening(shape)
    lift = min(opening, 0.0035 * shape.jaw + 0.0075 * shape.upper * (1 - shape.press))
    smile = (-0.0165 * shape.smile - 0.003 * shape.width) * np.clip(away, 0, 1.25) ** 2.4
    wave = 0.0020 * np.cos(u * 6.0) * inside * (1 - 0.6 * min(1.0, opening * 60))
    rest = smile + wave
    fall = CORNER_FALL * opening
    reach = np.clip(away, 0, 1.2)
    inner_top = rest - lift * inside ** (0.75 - 0.2 * shape.round) + fall * reach**2.6
    gap = inside ** (0.58 + 0.06 * shape.jaw - 0.12 * shape.round)
    inner_bottom = rest + fall * reach**2.6 * (1 - gap) + (opening - lift) * gap
    inner_bottom = np.maximum(inner_bottom - 0.0035 * shape.tuck * inside, inner_top)
    outer_top, outer_bottom = _build_borders(u, inside, inner_top, inner_bottom, shape)
    return MouthForm(u, outer_top, inner_top, inner_bottom, outer_bottom, inside, opening, lift, half)


def _build_borders(
    u: Float32, inside: Float32, inner_top: Float32, inner_bottom: Float32, shape: MouthShape
) -> tuple[Float32, Float32]:
    """The outer edges of the upper and the lower lip."""
    pout = 1 + 0.24 * shape.round - 0.40 * min(1.0, shape.press)
    bow = (
        1
        - (0.21 - 0.12 * shape.round) * np.exp(-((u / 0.13) ** 2))
        + (0.17 - 0.1 * shape.round) * np.exp(-(((np.abs(u) - 0.26) / 0.2) ** 2))
    )
    upper = 0.0152 * pout * (1 - 0.16 * shape.width) * (1 - 0.18 * shape.jaw) * bow * inside**0.78
    full = 0.0212 * pout * (1 - 0.12 * shape.width - 0.26 * shape.round) * (1 - 0.5 * shape.tuck)
    lower = full * (1 - 0.08 * shape.jaw) * inside ** (0.48 - 0.1 * shape.round)
    return (inner_top - upper).astype(np.float32), (inner_bottom + lower).astype(np.float32)
