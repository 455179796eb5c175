"""Renders the idle loop and writes it as the source video of an avatar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from avatar_engine.lipsync.synctalk_2d.source_video import SourceWriter
from avatar_engine.lipsync.synctalk_2d.studio.painter import Look, Painter
from avatar_engine.lipsync.synctalk_2d.studio.truth import measure_square
from avatar_engine.types import Int32

WIDTH, HEIGHT = 1280, 720
Tell = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


def measure_squares(painter: Painter, looks: Sequence[Look]) -> Int32:
    """The square of every look, int32[N, 4]."""
    return np.stack([measure_square(painter.fields, painter.layout, look.pose) for look in looks])


def write_film(path: Path, painter: Painter, looks: Sequence[Look], tell: Tell) -> None:
    """Render every look and write the source video. The file appears when it is whole."""
    part = path.with_name(path.stem + ".part.mp4")
    with SourceWriter(part, painter.layout.width, painter.layout.height) as writer:
        for done, look in enumerate(looks):
            writer.write(painter.render(look))
            tell(done + 1, len(looks))
    part.replace(path)
