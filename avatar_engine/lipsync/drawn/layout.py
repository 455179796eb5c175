"""Where the figure stands in a picture, and the measures of the face. One unit is the side of the figure's square."""

from __future__ import annotations

from dataclasses import dataclass

EYE_X = 0.067
"""Half the distance between the pupils."""
EYE_Y = 0.384
EYE_HALF_WIDTH = 0.0385
MOUTH_X = 0.5
MOUTH_Y = 0.538
MOUTH_HALF_WIDTH = 0.054
JAW_DROP = 0.043
"""How far the lower lip goes down at jaw 1."""
CENTRE_X = 0.5
HEAD_PIVOT_Y = 0.68
CHIN_Y = 0.624


@dataclass(frozen=True, slots=True)
class Layout:
    """Maps units to the pixels of one picture.

    scale: pixels per unit. left, top: pixel position of unit (0, 0). width, height: picture size in pixels.
    """

    scale: float
    left: float
    top: float
    width: int
    height: int

    def times(self, factor: float) -> Layout:
        """The same picture with `factor` as many pixels each way."""
        return Layout(
            self.scale * factor,
            self.left * factor,
            self.top * factor,
            round(self.width * factor),
            round(self.height * factor),
        )

    def box(self, left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
        """Pixel bounds (x0, y0, x1, y1) of a box in units, clipped to the picture."""
        x0 = max(0, int(self.left + left * self.scale))
        y0 = max(0, int(self.top + top * self.scale))
        x1 = min(self.width, int(self.left + right * self.scale) + 1)
        y1 = min(self.height, int(self.top + bottom * self.scale) + 1)
        return x0, y0, x1, y1


def build_layout(width: int, height: int) -> Layout:
    """The figure centred, as large as the shorter side allows; in tall pictures a little larger and lower."""
    tall = max(0.0, min(1.0, height / width - 1.0))
    side = min(width, height) * (1.0 + 0.22 * tall)
    top = (height - side) * 0.42 if height > side else 0.0
    return Layout(side, width / 2 - CENTRE_X * side, top, width, height)


def build_painting_layout(width: int, height: int) -> Layout:
    """The layout that the presenter is painted in: small pictures are painted finer, so that movement stays smooth."""
    return build_layout(width, height).times(1.25 if min(width, height) < 640 else 1.0)
