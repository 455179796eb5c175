"""Paints what stands still: wall, body, skin and hair, each a layer that moves by itself."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.layout import Layout
from avatar_engine.lipsync.drawn.portrait.background import paint_background
from avatar_engine.lipsync.drawn.portrait.body import paint_clothes
from avatar_engine.lipsync.drawn.portrait.canvas import Canvas
from avatar_engine.lipsync.synctalk_2d.studio.brows import paint_brows
from avatar_engine.lipsync.synctalk_2d.studio.hair import paint_flyaways, paint_masses
from avatar_engine.lipsync.synctalk_2d.studio.hair_shapes import BACK, LEFT, RIGHT
from avatar_engine.lipsync.synctalk_2d.studio.neck import paint_neck
from avatar_engine.lipsync.synctalk_2d.studio.relief import build_head_mask
from avatar_engine.lipsync.synctalk_2d.studio.skin import Skin, build_skin
from avatar_engine.types import Float32, UInt8

HEAD_BOX = (0.32, 0.10, 0.68, 0.74)
"""The head's texture, in units."""
_HAIR_SHADE = (150, 92, 84)


@dataclass(frozen=True, slots=True)
class Layers:
    """wall: RGB uint8[height, width, 3] of the picture. body, hair: float32[H, W, 4], RGB 0..255 times cover, and cover
    0..1, on `layout`. head: the canvas of the head's own texture, whose RGB is the resting skin. skin: built on it.
    """

    wall: UInt8
    layout: Layout
    body: Float32
    hair: Float32
    head: Canvas
    skin: Skin


def paint_layers(layout: Layout, finer: int) -> Layers:
    """Paint everything for pictures of `layout`, with `finer` pixels per pixel each way. Takes about 20 s."""
    fine = layout.times(finer)
    hair = Canvas(fine)
    paint_masses(hair, RIGHT)
    paint_masses(hair, LEFT)
    paint_flyaways(hair)
    head = _cut_canvas(fine, HEAD_BOX)
    skin = build_skin(head)
    _shade_under_hair(head, skin, hair)
    return Layers(
        wall=_paint_wall(layout),
        layout=fine,
        body=_paint_body_layer(fine, hair.figure),
        hair=np.dstack([hair.rgb, hair.figure]),
        head=head,
        skin=skin,
    )


def _cut_canvas(layout: Layout, box: tuple[float, float, float, float]) -> Canvas:
    """A canvas of its own for a box in units."""
    x0, y0, x1, y1 = layout.box(*box)
    return Canvas(Layout(layout.scale, layout.left - x0, layout.top - y0, x1 - x0, y1 - y0))


def _paint_wall(layout: Layout) -> UInt8:
    canvas = Canvas(layout.times(1.6))
    paint_background(canvas)
    return canvas.finish((layout.width, layout.height))[:, :, :3].copy()


def _paint_body_layer(layout: Layout, hair: Float32) -> Float32:
    canvas = Canvas(layout)
    paint_masses(canvas, BACK)
    paint_neck(canvas)
    head = build_head_mask(canvas)
    _cast_below(canvas, head, (0.010, 0.034), 0.012, 0.55)
    paint_clothes(canvas)
    _cast_below(canvas, hair, (0.006, 0.010), 0.010, 0.5)
    return np.dstack([canvas.rgb, canvas.figure])


def _cast_below(canvas: Canvas, piece: Float32, shift: tuple[float, float], radius: float, strength: float) -> None:
    """The shadow that a piece in front throws on the canvas, away from the key light."""
    shadow = canvas.soft(_shift(piece, shift, canvas.layout.scale), radius)
    canvas.shade((110, 62, 62), shadow, strength)


def _shift(mask: Float32, way: tuple[float, float], scale: float) -> Float32:
    matrix = np.array(((1, 0, way[0] * scale), (0, 1, way[1] * scale)), np.float64)
    moved: Float32 = cv2.warpAffine(mask, matrix, (mask.shape[1], mask.shape[0]), flags=cv2.INTER_LINEAR)
    return moved


def _shade_under_hair(head: Canvas, skin: Skin, hair: Canvas) -> None:
    """Lay the skin on the head's canvas and darken it where hair stands in the light; paint the brows."""
    head.rgb[:] = skin.rest
    paint_brows(head)
    x0, y0 = round(hair.layout.left - head.layout.left), round(hair.layout.top - head.layout.top)
    height, width = head.figure.shape
    cover = hair.figure[y0 : y0 + height, x0 : x0 + width]
    near = head.soft(_shift(cover, (0.004, 0.007), head.layout.scale), 0.006)
    far = head.soft(_shift(cover, (0.010, 0.016), head.layout.scale), 0.016)
    head.shade(_HAIR_SHADE, np.clip(0.55 * near + 0.45 * far, 0, 1), 0.62)
    head.figure[:] = skin.head
    skin.rest[:] = head.rgb
