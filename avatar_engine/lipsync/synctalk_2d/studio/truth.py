"""What is known of a rendered frame without measuring it: where the face is cut, and how the mouth stands."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.layout import EYE_Y, MOUTH_X, MOUTH_Y, Layout
from avatar_engine.lipsync.drawn.shape import MouthShape
from avatar_engine.lipsync.synctalk_2d.studio.mouth_form import build_mouth_form
from avatar_engine.lipsync.synctalk_2d.studio.pose import Pose, PoseFields
from avatar_engine.types import Float32, Int32

_JAW = (0.3555, 0.6445)
_JAW_Y = 0.392
_NOSE_Y = EYE_Y + 0.28 * (MOUTH_Y - EYE_Y)
"""Where point 52 of the original's set lies: at 0.28 of the way from the eyes to the mouth."""


def measure_square(fields: PoseFields, layout: Layout, pose: Pose) -> Int32:
    """The square that SyncTalk_2D cuts, int32[4] x0, y0, x1, y1 in pixels; its side is the same in every pose."""
    anchors = np.array([(_JAW[0], _JAW_Y), ((_JAW[0] + _JAW[1]) / 2, _NOSE_Y), (_JAW[1], _JAW_Y)])
    left, nose, right = fields.move_points(fields.mix("head", pose), anchors) * layout.scale + (layout.left, layout.top)
    side = round((_JAW[1] - _JAW[0]) * layout.scale)
    x0 = round((left[0] + right[0]) / 2 - side / 2)
    y0 = round(nose[1])
    return np.array((x0, y0, x0 + side, y0 + side), np.int32)


def measure_mouth(layout: Layout, shape: MouthShape) -> tuple[float, float]:
    """Opening between the lips in the middle, and width between the corners, in pixels of the picture."""
    form = build_mouth_form(np.zeros((1, 1), np.float32), shape)
    return float(form.inner_bottom[0, 0] - form.inner_top[0, 0]) * layout.scale, 2 * form.half * layout.scale


def outline_mouth(fields: PoseFields, layout: Layout, pose: Pose, shape: MouthShape) -> Float32:
    """Points of the mouth in pixels, float32[40, 2]: from corner to corner the outer upper, inner upper, inner lower
    and outer lower edge, ten each.
    """
    x = np.linspace(-1, 1, 10, dtype=np.float32)
    form = build_mouth_form(x[None, :] * build_mouth_form(x[None, :], shape).half, shape)
    edges = (form.outer_top, form.inner_top, form.inner_bottom, form.outer_bottom)
    points = np.concatenate([np.stack([MOUTH_X + x * form.half, MOUTH_Y + edge[0]], axis=1) for edge in edges])
    moved = fields.move_points(fields.mix("head", pose), points.astype(np.float64))
    outline: Float32 = (moved * layout.scale + (layout.left, layout.top)).astype(np.float32)
    return outline
