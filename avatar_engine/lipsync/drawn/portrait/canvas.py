"""A float canvas measured in units, with the few brushes that the portrait needs."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.drawn.layout import Layout
from avatar_engine.types import Float32, UInt8

Colour = tuple[float, float, float]
Points = npt.NDArray[np.float64]
_SUBPIXEL_BITS = 4


def colour_array(colour: Colour) -> Float32:
    """RGB 0..255 as float32[3]."""
    return np.array(colour, np.float32)


def build_spline(points: Sequence[tuple[float, float]], *, closed: bool, steps: int = 14) -> Points:
    """A Catmull-Rom curve through the points, float64[n, 2]."""
    base = np.array(points, np.float64)
    if closed:
        base = np.concatenate([base[-1:], base, base[:2]])
    else:
        base = np.concatenate([2 * base[:1] - base[1:2], base, 2 * base[-1:] - base[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(base, base[1:], base[2:], base[3:], strict=False):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    if not closed:
        pieces.append(base[-2:-1])
    return np.concatenate(pieces)


def mirror(points: Sequence[tuple[float, float]], axis: float = 0.5) -> list[tuple[float, float]]:
    """The points of a right half, completed by their mirror images into one closed outline."""
    return [*points, *[(2 * axis - x, y) for x, y in reversed(points) if abs(x - axis) > 1e-6]]


class Canvas:
    """rgb float32[h, w, 3] in 0..255, and the unit coordinates of its pixels, x float32[1, w] and y float32[h, 1].

    figure: float32[h, w], where the presenter stands before the wall; shadows fall on it and not on the wall.
    """

    def __init__(self, layout: Layout, planes: tuple[Float32, Float32] | None = None) -> None:
        self.layout = layout
        size = (layout.height, layout.width)
        self.rgb, self.figure = planes or (np.zeros((*size, 3), np.float32), np.zeros(size, np.float32))
        self.x = ((np.arange(layout.width, dtype=np.float32) + 0.5 - layout.left) / layout.scale)[None, :]
        self.y = ((np.arange(layout.height, dtype=np.float32) + 0.5 - layout.top) / layout.scale)[:, None]

    def part(self, left: float, top: float, right: float, bottom: float) -> Canvas:
        """A window on the same pixels, in units: brushes cost only what the window holds."""
        x0, y0, x1, y1 = self.layout.box(left, top, right, bottom)
        whole = self.layout
        layout = Layout(whole.scale, whole.left - x0, whole.top - y0, x1 - x0, y1 - y0)
        return Canvas(layout, (self.rgb[y0:y1, x0:x1], self.figure[y0:y1, x0:x1]))

    def mask(self, outline: Points) -> Float32:
        """Coverage of a closed outline, float32[h, w] in 0..1."""
        cover = np.zeros((self.layout.height, self.layout.width), np.uint8)
        cv2.fillPoly(cover, [self._fixed(outline)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        return cover.astype(np.float32) / np.float32(255)

    def soft(self, mask: Float32, radius: float) -> Float32:
        """A mask blurred by `radius` units."""
        sigma = radius * self.layout.scale
        shrink = max(1, int(sigma / 3))
        blurred: Float32 = mask
        if shrink > 1:
            blurred = cv2.resize(mask, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(blurred, (0, 0), sigma / shrink)
        if shrink > 1:
            blurred = cv2.resize(blurred, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR)
        return blurred

    def bump(self, x: float, y: float, width: float, height: float, turn: float = 0.0) -> Float32:
        """A soft spot, 1 in the middle; width and height are where it has fallen to 1/e."""
        dx, dy = self.x - x, self.y - y
        c, s = np.cos(turn), np.sin(turn)
        spot: Float32 = np.exp(-(((dx * c + dy * s) / width) ** 2) - ((dy * c - dx * s) / height) ** 2)
        return spot.astype(np.float32, copy=False)

    def lay(self, colour: Colour | Float32, mask: Float32, opacity: float = 1.0) -> None:
        """Paint a colour or a picture through a mask."""
        tone = colour_array(colour) if isinstance(colour, tuple) else colour
        self.rgb += (tone - self.rgb) * (mask * opacity)[:, :, None]

    def shade(self, colour: Colour, mask: Float32, opacity: float = 1.0) -> None:
        """Multiply by a colour (255 leaves as is) through a mask: a shadow that keeps what is under it."""
        self.rgb *= 1 - (1 - colour_array(colour) / 255) * (mask * opacity)[:, :, None]

    def place(self, colour: Colour | Float32, mask: Float32) -> None:
        """Paint a solid piece of the figure."""
        self.lay(colour, mask)
        np.maximum(self.figure, mask, out=self.figure)

    def cast(self, colour: Colour, mask: Float32, radius: float, opacity: float) -> None:
        """The soft shadow that a piece not yet painted throws on the figure around it, `radius` units wide."""
        self.shade(colour, self.soft(mask, radius) * (1 - mask) * self.figure, opacity)

    def glow(self, colour: Colour, mask: Float32, opacity: float = 1.0) -> None:
        """Add light, softly limited (screen)."""
        light = colour_array(colour) / 255 * (mask * opacity)[:, :, None]
        self.rgb += (255 - self.rgb) * np.clip(light, 0, 1)

    def strokes(
        self, lines: Sequence[tuple[Points, float]], *, taper: bool = True, into: Float32 | None = None
    ) -> Float32:
        """Coverage of many thin lines, each with its width in units, thinning out towards both ends."""
        cover = np.zeros((self.layout.height, self.layout.width), np.uint8)
        for points, width in lines:
            self.draw_ribbon(cover, points, width, 255, taper=taper)
        return np.maximum(cover.astype(np.float32) / 255, 0 if into is None else into)

    def draw_ribbon(self, plane: UInt8, points: Points, width: float, level: float, *, taper: bool = True) -> None:
        """Draw one line of `width` units and grey `level` (clipped to 0..255) into a plane of the canvas's size."""
        ribbon = self._fixed(_ribbon(points, width, taper=taper))
        cv2.fillPoly(plane, [ribbon], float(np.clip(level, 0, 255)), cv2.LINE_AA, _SUBPIXEL_BITS)

    def finish(self, size: tuple[int, int]) -> UInt8:
        """The picture averaged down to (width, height), uint8[h, w, 4] with an opaque fourth plane.

        Half a step of noise keeps the calm gradients of the wall free of bands.
        """
        small = cv2.resize(self.rgb, size, interpolation=cv2.INTER_AREA)
        small += np.random.default_rng(1).random(small.shape[:2], np.float32)[:, :, None] - np.float32(0.5)
        picture = np.full((size[1], size[0], 4), 255, np.uint8)
        picture[:, :, :3] = np.clip(np.rint(small), 0, 255).astype(np.uint8)
        return picture

    def _fixed(self, points: Points) -> npt.NDArray[np.int32]:
        layout = self.layout
        pixels = points * layout.scale + (layout.left - 0.5, layout.top - 0.5)
        return np.rint(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _ribbon(points: Points, width: float, *, taper: bool) -> Points:
    """The outline of a line of the given width."""
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    t = np.linspace(0, 1, len(points))
    half = width / 2 * (np.sin(np.pi * np.clip(t, 0.02, 0.98)) ** 0.6 if taper else np.ones_like(t))
    return np.concatenate([points + across * half[:, None], (points - across * half[:, None])[::-1]])
