"""Renders frames of the presenter: texture of the head, then all layers in their pose, averaged down."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.eyes import EyeState
from avatar_engine.lipsync.drawn.layout import Layout, build_layout
from avatar_engine.lipsync.drawn.shape import REST, MouthShape
from avatar_engine.lipsync.synctalk_2d.studio.eyes import EyesPainter
from avatar_engine.lipsync.synctalk_2d.studio.jaw import LowerFace
from avatar_engine.lipsync.synctalk_2d.studio.layers import Layers, paint_layers
from avatar_engine.lipsync.synctalk_2d.studio.mouth import MouthPainter
from avatar_engine.lipsync.synctalk_2d.studio.pose import Pose, PoseFields
from avatar_engine.types import Float32, UInt8

Box = tuple[int, int, int, int]
FINER = 2
"""Pixels painted per pixel of the picture, each way."""


@dataclass(frozen=True, slots=True)
class Look:
    """One frame: how the head stands, what the eyes do, and the mouth."""

    pose: Pose = field(default_factory=Pose)
    eyes: EyeState = field(default_factory=EyeState)
    mouth: MouthShape = REST


class Painter:
    """Paints the presenter at one size. Making one takes about 20 s; after that only what moves is painted."""

    def __init__(self, width: int, height: int) -> None:
        self.layout: Layout = build_layout(width, height)
        self._layers: Layers = paint_layers(self.layout, FINER)
        self.fields = PoseFields(self.layout)
        head = self._layers.head
        self._lower = LowerFace(head, self._layers.skin)
        self._mouth = MouthPainter(head.layout)
        self._eyes = EyesPainter(head.layout)
        self._texture = np.dstack([head.rgb, head.figure])
        self._drawn_eyes: EyeState | None = None

    def render(self, look: Look, box: Box | None = None) -> UInt8:
        """The picture, or its `box` (x0, y0, x1, y1) alone: uint8[h, w, 3] RGB, the same pixels either way."""
        return self.stand(look.pose, look.eyes, box).render(look.mouth)

    def stand(self, pose: Pose, eyes: EyeState, box: Box | None = None) -> Stand:
        """The figure in one pose, ready to speak: of a new mouth only what moves is painted."""
        if eyes != self._drawn_eyes:
            self._texture[:, :, :3] = self._layers.head.rgb
            self._eyes.paint(self._texture, eyes)
            self._drawn_eyes = eyes
        box = box or (0, 0, self.layout.width, self.layout.height)
        layers = self._layers
        return Stand(
            box=box,
            wall=layers.wall,
            behind=self._place(layers.body, "body", pose, box),
            before=self._place(layers.hair, "hair", pose, box),
            head=self._texture.copy(),
            head_map=self._map(layers.head.layout, "head", pose, box),
            lower=self._lower,
            lips=self._mouth,
        )

    def _map(self, layout: Layout, layer: str, pose: Pose, box: Box) -> Float32:
        """Where every fine pixel of `box` lies in the texture of a layer, float32[h, w, 2]."""
        x0, y0, x1, y1 = box
        move = self.fields.sample(self.fields.mix(layer, pose), box, FINER) * np.float32(-layout.scale)
        offset_x = layout.left - self.layout.left * FINER + x0 * FINER
        offset_y = layout.top - self.layout.top * FINER + y0 * FINER
        move[:, :, 0] += (np.arange((x1 - x0) * FINER) + offset_x).astype(np.float32)[None, :]
        move[:, :, 1] += (np.arange((y1 - y0) * FINER) + offset_y).astype(np.float32)[:, None]
        return move

    def _place(self, texture: Float32, layer: str, pose: Pose, box: Box) -> Float32:
        """One layer seen in `pose`, float32[h, w, 4] at the size of the picture."""
        return _average(_look_up(texture, self._map(self._layers.layout, layer, pose, box)))


def _look_up(texture: Float32, source: Float32) -> Float32:
    seen: Float32 = cv2.remap(texture, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return seen


def _average(fine: Float32) -> Float32:
    size = (fine.shape[1] // FINER, fine.shape[0] // FINER)
    coarse: Float32 = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    return coarse


def _lay_over(front: Float32, back: Float32) -> Float32:
    """Both float32[h, w, 4], colour times cover."""
    return front + back * (1 - front[:, :, 3:])


@dataclass(frozen=True, slots=True)
class Stand:
    """One pose in one box of the picture: what lies behind and before the head, and the head's texture, of which
    every `render` paints the lower face anew.
    """

    box: Box
    wall: UInt8
    behind: Float32
    before: Float32
    head: Float32
    head_map: Float32
    lower: LowerFace
    lips: MouthPainter

    def render(self, mouth: MouthShape) -> UInt8:
        """The box with this mouth, uint8[h, w, 3] RGB."""
        x0, y0, x1, y1 = self.lower.box
        self.head[y0:y1, x0:x1] = self.lower.render(mouth)
        self.lips.paint(self.head, mouth)
        fine = _look_up(self.head, self.head_map)
        fine[:, :, :3] *= fine[:, :, 3:]
        figure = _lay_over(_average(fine), self.behind)
        figure = _lay_over(self.before, figure)
        left, top, right, bottom = self.box
        picture = figure[:, :, :3] + self.wall[top:bottom, left:right] * (1 - figure[:, :, 3:])
        done: UInt8 = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        return done
