"""Puts the portrait together, once per size."""

from __future__ import annotations

from avatar_engine.lipsync.drawn.layout import Layout
from avatar_engine.lipsync.drawn.portrait.background import paint_background
from avatar_engine.lipsync.drawn.portrait.body import paint_body
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas
from avatar_engine.lipsync.drawn.portrait.face import paint_ear, paint_face
from avatar_engine.lipsync.drawn.portrait.hair import paint_hair_back, paint_hair_behind_ear, paint_hair_front
from avatar_engine.types import UInt8

OVERSAMPLING = 1.6
"""Lines are drawn smooth as it is; this evens out the strands and the light."""


def paint_portrait(layout: Layout) -> UInt8:
    """The still presenter without eyes and mouth, uint8[h, w, 4] at the layout's size, painted larger and averaged."""
    canvas = Canvas(layout.times(OVERSAMPLING))
    paint_background(canvas)
    paint_hair_back(canvas)
    paint_body(canvas)
    paint_face(canvas)
    paint_hair_behind_ear(canvas)
    paint_ear(canvas, 1)
    paint_hair_front(canvas)
    return canvas.finish((layout.width, layout.height))
