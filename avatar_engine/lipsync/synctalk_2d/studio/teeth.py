"""Paints what is seen between the lips: the hollow, two rows of teeth, gums and the tongue."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.shape import MouthShape
from avatar_engine.lipsync.synctalk_2d.studio.mouth_form import MouthForm
from avatar_engine.lipsync.synctalk_2d.studio.patch import Patch, lay, step
from avatar_engine.types import Float32

_HOLLOW = np.array((88, 30, 34), np.float32)
_DEEP = np.array((44, 13, 17), np.float32)
_TOOTH = np.array((246, 240, 230), np.float32)
_TOOTH_ROOT = np.array((232, 214, 192), np.float32)
_GUM = np.array((196, 108, 106), np.float32)
_TONGUE = np.array((214, 112, 114), np.float32)
_TONGUE_BACK = np.array((122, 42, 50), np.float32)
_GLEAM = np.array((255, 244, 240), np.float32)
_UPPER_ENDS = (0.0106, 0.0190, 0.0270, 0.0338, 0.0396, 0.0442, 0.0476)
"""Where each tooth of the upper row ends, in units from the middle; they look narrower as the row turns away."""
_UPPER_DROP = (0.0, -0.0010, -0.0002, -0.0020, -0.0034, -0.0048, -0.0060)
_LOWER_ENDS = (0.0070, 0.0140, 0.0216, 0.0286, 0.0346, 0.0394, 0.0430)
_TEETH_EDGE = 0.0102
"""The upper teeth end this far below the resting lip line."""
_HIDDEN_EDGE = -0.0115


class MouthInside:
    """Everything between the lips, for one patch; what does not change is made once."""

    def __init__(self, patch: Patch) -> None:
        self._patch = patch
        self._upper_tone, self._upper_bend = _build_row(patch.x, _UPPER_ENDS, _UPPER_DROP)
        self._lower_tone, self._lower_bend = _build_row(patch.x, _LOWER_ENDS, (0.0,) * len(_LOWER_ENDS))

    def paint(self, picture: Float32, form: MouthForm, shape: MouthShape) -> None:
        """Paint within the inner edges of the lips into float32[h, w, 3]."""
        patch = self._patch
        y = patch.y
        between = np.clip(patch.below(form.inner_top) - patch.below(form.inner_bottom), 0, 1) * (form.inside > 0)
        room = np.maximum(form.inner_bottom - form.inner_top, 1e-4)
        depth = np.clip((y - form.inner_top) / room, 0, 1)
        tone = _DEEP + (_HOLLOW - _DEEP) * (depth**1.4)[:, :, None]
        if shape.tongue < 0.6:
            self._paint_tongue(tone, form, shape)
        self._paint_lower_teeth(tone, form, shape)
        self._paint_upper_teeth(tone, form, shape)
        if shape.tongue >= 0.6:
            self._paint_tongue(tone, form, shape)
        below_lip = (y - form.inner_top) / np.float32(min(0.0042, 0.0012 + 0.16 * form.opening))
        tone *= (1 - 0.42 * np.exp(-np.maximum(below_lip, 0)))[:, :, None]
        above_lip = (form.inner_bottom - y) / np.float32(min(0.0022, 0.0008 + 0.06 * form.opening))
        tone *= (1 - 0.30 * np.exp(-np.maximum(above_lip, 0)))[:, :, None]
        tone *= (0.52 + 0.48 * np.clip(form.inside * 1.9, 0, 1) ** 0.8)[:, :, None]
        lay(picture, tone, between)

    def _paint_upper_teeth(self, tone: Float32, form: MouthForm, shape: MouthShape) -> None:
        patch = self._patch
        shown = min(1.0, 0.55 + 0.6 * shape.teeth)
        edge = _HIDDEN_EDGE + (_TEETH_EDGE - _HIDDEN_EDGE) * shown + self._upper_bend
        cover = 1 - patch.below(edge.astype(np.float32), 0.0004)
        along = np.clip((edge - patch.y) / np.float32(0.0165), 0, 1)[:, :, None]
        colour = _TOOTH + (_TOOTH_ROOT - _TOOTH) * along
        clear = np.exp(-(((edge - patch.y) / np.float32(0.0016)) ** 2))[:, :, None]
        colour = (colour + (np.array((226, 222, 220), np.float32) - colour) * (0.35 * clear)) * self._upper_tone
        gleam = np.exp(-(((edge - patch.y - 0.0062) / np.float32(0.0026)) ** 2)) * np.exp(
            -(((np.abs(patch.x + 0.003) - 0.0052) / np.float32(0.0026)) ** 2)
        )
        lay(colour, _GLEAM, (0.5 * gleam).astype(np.float32))
        root = (edge - patch.y + 0.5 * self._upper_bend).astype(np.float32)
        lay(colour, _GUM, step(0.0150, 0.0168, root))
        lay(tone, colour, cover * np.float32(min(1.0, 8 * shape.teeth)))

    def _paint_lower_teeth(self, tone: Float32, form: MouthForm, shape: MouthShape) -> None:
        visible = min(1.0, max(0.0, (shape.teeth - 0.28) / 0.3)) * (1 - shape.tuck) * min(1.0, form.opening / 0.008)
        if visible <= 0:
            return
        patch = self._patch
        lip = form.opening - form.lift
        top = lip - 0.0052 * visible + self._lower_bend + 0.2 * np.abs(patch.x) ** 2 / 0.04
        cover = patch.below(top.astype(np.float32), 0.0004)
        deep = np.clip((patch.y - top) / np.float32(0.008), 0, 1)[:, :, None]
        colour = (_TOOTH * 0.86 + (_TOOTH_ROOT * 0.7 - _TOOTH * 0.86) * deep) * self._lower_tone
        lay(tone, colour.astype(np.float32), cover * np.float32(min(1.0, 2 * visible)))

    def _paint_tongue(self, tone: Float32, form: MouthForm, shape: MouthShape) -> None:
        patch = self._patch
        u = patch.x / np.float32(0.040)
        low = np.float32(form.opening - form.lift)
        rise = form.opening * (0.34 + 0.62 * shape.tongue) + 0.001
        top = low - rise * np.clip(1 - (u / 0.92) ** 2, 0, 1) ** 0.6 + 0.03 * (np.abs(u) > 0.92)
        cover = patch.below(top.astype(np.float32), 0.0012)
        into = np.clip((patch.y - top) / np.float32(max(rise, 1e-4)), 0, 1)
        lit = 0.30 + 0.70 * into if shape.tongue < 0.6 else 1.0 - 0.45 * into
        colour = _TONGUE_BACK + (_TONGUE - _TONGUE_BACK) * np.asarray(lit)[:, :, None]
        groove = 0.30 * np.exp(-((u / 0.09) ** 2)) * (1 - shape.tongue)
        colour = colour * (1 - groove)[:, :, None]
        wet = np.exp(-(((into - 0.32) / 0.14) ** 2)) * np.exp(-(((np.abs(u + 0.06) - 0.26) / 0.14) ** 2))
        lay(colour, _GLEAM, (0.30 * wet).astype(np.float32))
        lay(tone, colour.astype(np.float32), cover)


def _build_row(x: Float32, ends: tuple[float, ...], drops: tuple[float, ...]) -> tuple[Float32, Float32]:
    """Light of a row of teeth over columns x: brightness float32[1, w, 1], and the bend of its edge float32[1, w]."""
    away = np.abs(x)
    starts = np.array((0.0, *ends[:-1]), np.float32)
    stops = np.array(ends, np.float32)
    index = np.clip(np.searchsorted(stops, away[0]), 0, len(ends) - 1)
    inside = np.clip((away[0] - starts[index]) / (stops[index] - starts[index]), 0, 1)
    rounding = -0.0008 * np.abs(2 * inside - 1) ** 4
    bend = np.array(drops, np.float32)[index] + rounding
    arch = np.sqrt(np.clip(1 - (away[0] / (ends[-1] * 1.06)) ** 2, 0.03, 1))
    body = 1 - 0.10 * np.abs(2 * inside - 1) ** 3
    gap = 0.24 * np.exp(-((np.minimum(inside, 1 - inside) * (stops - starts)[index] / 0.0007) ** 2))
    tone = (0.40 + 0.60 * arch) * body * (1 - gap)
    return tone.astype(np.float32)[None, :, None], bend.astype(np.float32)[None, :]
