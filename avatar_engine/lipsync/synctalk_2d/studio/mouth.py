"""Paints a whole mouth into the texture of the head."""

from __future__ import annotations

from avatar_engine.lipsync.drawn.layout import MOUTH_X, MOUTH_Y, Layout
from avatar_engine.lipsync.drawn.shape import MouthShape
from avatar_engine.lipsync.synctalk_2d.studio.lips import build_creases, paint_lips, shade_around
from avatar_engine.lipsync.synctalk_2d.studio.mouth_form import build_mouth_form
from avatar_engine.lipsync.synctalk_2d.studio.patch import Patch
from avatar_engine.lipsync.synctalk_2d.studio.teeth import MouthInside
from avatar_engine.types import Float32

REACH = (0.07, 0.036, 0.07, 0.088)


class MouthPainter:
    """Lips, teeth and tongue over skin that has already been moved and lit for the same shape."""

    def __init__(self, layout: Layout) -> None:
        self._patch = Patch(layout, (MOUTH_X, MOUTH_Y), REACH)
        self._creases = build_creases(self._patch)
        self._inside = MouthInside(self._patch)

    def paint(self, texture: Float32, shape: MouthShape) -> None:
        """Draw into texture float32[H, W, >= 3], RGB 0..255."""
        picture = self._patch.cut(texture)[:, :, :3]
        form = build_mouth_form(self._patch.x, shape)
        shade_around(picture, self._patch, form)
        paint_lips(picture, self._patch, form, shape, self._creases)
        if form.opening > 1e-4:
            self._inside.paint(picture, form, shape)
