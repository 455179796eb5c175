"""Paints the lips and the skin next to them."""

from __future__ import annotations

import numpy as np

from avatar_engine.lipsync.drawn.shape import MouthShape
from avatar_engine.lipsync.synctalk_2d.studio.light import FILL, KEY, build_gleam, to_display, to_linear
from avatar_engine.lipsync.synctalk_2d.studio.mouth_form import MouthForm
from avatar_engine.lipsync.synctalk_2d.studio.patch import Patch, lay
from avatar_engine.types import Float32

_UPPER = np.array((188, 82, 82), np.float32)
_LOWER = np.array((206, 98, 96), np.float32)
_WET = np.array((158, 54, 60), np.float32)
_SEAM = np.array((74, 20, 26), np.float32)
_BORDER = np.array((255, 226, 206), np.float32)
_DARKEN = np.array((0.62, 0.88, 0.94), np.float32)
"""What a shadow on skin takes away per channel."""


def build_creases(patch: Patch) -> Float32:
    """Fine upright creases of the lips, about -1..1, float32[h, w]."""
    x, y = patch.x, patch.y
    bend = 0.25 * x * (y - 0.01) / 0.02
    waves = np.sin((x + bend) * 760 + 3 * np.sin(x * 190)) + 0.6 * np.sin((x + bend) * 1290 + 1.3)
    waves = waves + 0.5 * np.sin(x * 400 + y * 130)
    creases: Float32 = (waves / 2.1).astype(np.float32)
    return creases


def shade_around(picture: Float32, patch: Patch, form: MouthForm) -> None:
    """The shadow under the lower lip, the soft dark of the corners and the light on the upper border."""
    y, inside = patch.y, form.inside
    under = (y - form.outer_bottom - 0.0072) / 0.0078
    shadow = 0.24 * np.exp(-(under**2)) * inside**0.5
    side = (np.abs(form.across) - 1.015) / 0.075
    corner = 0.30 * np.exp(-(side**2) - ((y - form.inner_top + 0.0004) / 0.0048) ** 2)
    dark = np.clip(shadow + corner, 0, 0.7)[:, :, None]
    picture *= 1 - dark * _DARKEN
    border = np.exp(-(((y - form.outer_top + 0.0024) / 0.0017) ** 2)) * np.clip(inside - 0.25, 0, 1) ** 0.5
    lay(picture, _BORDER, (0.17 * border).astype(np.float32))


def paint_lips(picture: Float32, patch: Patch, form: MouthForm, shape: MouthShape, creases: Float32) -> None:
    """Both lips over the skin. The inside of the mouth comes later and stays within the inner edges."""
    y, inside = patch.y, form.inside > 0
    strength = np.float32(0.10 + 0.12 * shape.round + 0.06 * min(1.0, shape.press))
    room = np.maximum(form.inner_top - form.outer_top, 1e-4)
    depth = np.clip((y - form.outer_top) / room, 0, 1)
    upper = (patch.below(form.outer_top, 0.0013) - patch.below(form.inner_top)) * inside
    lean = -0.32 + 1.12 * depth**1.25
    lay(picture, _light_lip(_UPPER, depth, lean, form.across, creases * strength, 0.55), np.clip(upper, 0, 1))
    room = np.maximum(form.outer_bottom - form.inner_bottom, 1e-4)
    depth = np.clip((form.outer_bottom - y) / room, 0, 1)
    lower = (patch.below(form.inner_bottom) - patch.below(form.outer_bottom, 0.0013)) * inside
    lean = 0.62 - 1.30 * depth + 0.25 * np.clip(depth - 0.8, 0, 1) / 0.2
    lay(picture, _light_lip(_LOWER, depth, lean, form.across, creases * strength, 1.0), np.clip(lower, 0, 1))
    seam = np.exp(-(((y - form.inner_top) / (patch.pixel + 0.0012)) ** 2)) * np.clip(form.inside * 6, 0, 1)
    lay(picture, _SEAM, (0.78 * seam * inside).astype(np.float32))


def _light_lip(
    colour: Float32, depth: Float32, lean: Float32, across: Float32, creases: Float32, gloss: float
) -> Float32:
    """One lip under the studio's light. depth: 0 at the outer edge, 1 inside. lean: how far it faces down, -1..1."""
    turn = 0.5 * across * np.abs(across) ** 0.5 + creases + 0.08 * np.sin(across * 7.0)
    lean = np.broadcast_to(lean, np.broadcast_shapes(lean.shape, turn.shape))
    forward = np.sqrt(np.clip(1 - lean**2 * 0.8, 0.1, 1))
    length = np.sqrt(turn**2 + lean**2 + forward**2)
    normals = np.stack([turn / length, lean / length, forward / length], axis=-1).astype(np.float32)
    key = np.clip((normals @ np.array(KEY, np.float32) + 0.3) / 1.3, 0, 1)
    fill = np.clip((normals @ np.array(FILL, np.float32) + 0.3) / 1.3, 0, 1)
    wet = np.clip((depth - 0.72) / 0.28, 0, 1)[:, :, None] ** 1.5
    albedo = colour + (_WET - colour) * (0.75 * wet)
    light = 0.20 + 0.84 * key + 0.16 * fill
    lit = to_linear(albedo) * light[:, :, None]
    gleam = 0.20 * build_gleam(normals, KEY, 22) + 0.34 * build_gleam(normals, KEY, 90)
    lit += (gleam * (gloss * (1 + 1.2 * creases)))[:, :, None] * np.array((1.0, 0.94, 0.92), np.float32)
    return to_display(lit)
