"""The drawn family: a presenter painted by code. No weights, no torch, any CPU."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from avatar_engine.errors import PreparationError
from avatar_engine.lipsync.base import Capabilities
from avatar_engine.lipsync.drawn.layout import build_painting_layout
from avatar_engine.lipsync.drawn.portrait.painting import paint_portrait
from avatar_engine.lipsync.drawn.session import DrawnSession
from avatar_engine.timing import FPS
from avatar_engine.types import UInt8

MIN_SIDE, MAX_SIDE = 128, 1920
KEPT_PAINTINGS = 4


class DrawnEngine:
    """One presenter ships with the family; there is nothing to prepare and nothing to load."""

    capabilities = Capabilities(fps=FPS, chunk_frames=1, lookahead_frames=0, realtime=True, features="spectral")

    def __init__(self) -> None:
        self._paintings: OrderedDict[tuple[int, int], UInt8] = OrderedDict()
        self._painting = threading.Lock()

    @classmethod
    def prepare(cls, source: Path, folder: Path) -> None:
        """Always raises `PreparationError`: this presenter is drawn, not taken from a source."""
        raise PreparationError("the drawn family has its own presenter and takes no source")

    @classmethod
    def load(cls, folder: Path | None = None, device: str = "cpu") -> DrawnEngine:
        """The presenter of the family, whatever the device. `folder` is not read."""
        return cls()

    def open(self, seed: int, width: int, height: int) -> DrawnSession:
        """The presenter at this size. The first of a size is painted, which takes about a second; four are kept.

        `seed` sets the rhythm of its idle life. Raises ValueError where a side is not 128 to 1920 pixels.
        """
        if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
            raise ValueError(f"sides must be {MIN_SIDE}..{MAX_SIDE} pixels, got {width}x{height}")
        with self._painting:
            painting = self._paintings.pop((width, height), None)
            if painting is None:
                painting = paint_portrait(build_painting_layout(width, height))
            self._paintings[width, height] = painting
            if len(self._paintings) > KEPT_PAINTINGS:
                self._paintings.popitem(last=False)
        return DrawnSession(seed, width, height, painting.copy())
