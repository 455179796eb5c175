"""The light of the studio: a warm key from the upper left, a soft fill, a cool rim from behind, on skin.

All shading happens in linear light; colours enter and leave as RGB 0..255.
"""

from __future__ import annotations

import cv2
import numpy as np

from avatar_engine.types import Float32

GAMMA = 2.2
KEY = (-0.46, -0.50, 0.735)
"""Directions point from the surface to the light: x to the picture's right, y down, z to the viewer; length 1."""
FILL = (0.62, -0.10, 0.778)
_KEY_COLOUR = np.array((1.0, 0.955, 0.90), np.float32)
_FILL_COLOUR = np.array((0.98, 0.96, 1.0), np.float32)
_SKY = np.array((0.96, 1.0, 1.06), np.float32)
_FLOOR = np.array((1.14, 0.92, 0.82), np.float32)
_RIM_COLOUR = np.array((0.72, 0.90, 1.15), np.float32)
_WRAP = np.array((0.50, 0.29, 0.21), np.float32)
"""How far light reaches round the form, per channel: red travels furthest under skin."""


def to_linear(colour: Float32) -> Float32:
    """RGB 0..255 to linear light 0..1, any shape."""
    linear: Float32 = np.power(np.clip(colour, 0, 255) / np.float32(255), np.float32(GAMMA))
    return linear


def to_display(linear: Float32) -> Float32:
    """Linear light to RGB 0..255; the brightest tones roll off softly and keep their hue."""
    strongest = np.maximum(linear.max(axis=-1, keepdims=True), np.float32(1e-6))
    held = linear * (_roll_off(strongest) / strongest)
    soft = np.float32(0.7) * held + np.float32(0.3) * _roll_off(linear)
    display: Float32 = np.power(np.maximum(soft, 0), np.float32(1 / GAMMA)) * np.float32(255)
    return display


def _roll_off(linear: Float32) -> Float32:
    knee = np.float32(0.66)
    over = np.maximum(linear - knee, 0)
    soft: Float32 = np.minimum(linear, knee) + over / (1 + over / (1 - knee))
    return soft


def build_normals(relief: Float32, scale: float) -> Float32:
    """Unit normals float32[h, w, 3] of a height field in units on a grid of `scale` pixels per unit."""
    height = relief * np.float32(scale)
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    return np.stack([-slope_x / length, -slope_y / length, 1 / length], axis=-1)


def _toward(normals: Float32, direction: tuple[float, float, float]) -> Float32:
    return normals @ np.array(direction, np.float32)


def build_gleam(normals: Float32, direction: tuple[float, float, float], sharpness: float) -> Float32:
    """Blinn's highlight for a viewer straight ahead, float32[h, w] in 0..1."""
    half = np.array(direction, np.float64)
    half[2] += 1
    half /= np.linalg.norm(half)
    gleam: Float32 = np.power(np.clip(normals @ half.astype(np.float32), 0, 1), np.float32(sharpness))
    return gleam


def shade_skin(albedo: Float32, normals: Float32, gloss: Float32, open_sky: Float32) -> Float32:
    """Lit skin, RGB float32[h, w, 3] in 0..255.

    albedo: RGB 0..255. gloss: strength of the sheen, float32[h, w]. open_sky: 1 where nothing stands in the way of
    the ambient light, less in hollows, float32[h, w].
    """
    key = np.clip((_toward(normals, KEY)[:, :, None] + _WRAP) / (1 + _WRAP), 0, 1) ** np.float32(1.25)
    fill = np.clip((_toward(normals, FILL)[:, :, None] + _WRAP) / (1 + _WRAP), 0, 1)
    up = (0.5 - 0.5 * normals[:, :, 1])[:, :, None]
    ambient = (_FLOOR + (_SKY - _FLOOR) * up) * open_sky[:, :, None]
    light = 1.16 * _KEY_COLOUR * key * (0.55 + 0.45 * open_sky[:, :, None]) + 0.20 * _FILL_COLOUR * fill + 0.2 * ambient
    lit = to_linear(albedo) * light
    sheen = 0.11 * build_gleam(normals, KEY, 18) + 0.16 * build_gleam(normals, KEY, 70)
    lit += (sheen * gloss)[:, :, None] * _KEY_COLOUR
    edge = np.clip(1 - normals[:, :, 2], 0, 1) ** 2 * np.clip(normals[:, :, 0] - 0.1, 0, 1)
    lit += (0.55 * edge)[:, :, None] * _RIM_COLOUR * to_linear(albedo)
    return to_display(lit)
