"""Writes one picture of what the drawn presenter can do: the whole figure, its eyes and every viseme.

python -m benchmarks.drawn_sheet sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.lipsync.drawn.eyes import EyesPainter, EyeState
from avatar_engine.lipsync.drawn.layout import Layout, build_layout
from avatar_engine.lipsync.drawn.mouth import MouthPainter, measure_chin_drop
from avatar_engine.lipsync.drawn.portrait.painting import paint_portrait
from avatar_engine.lipsync.drawn.shape import VISEMES
from avatar_engine.lipsync.drawn.warp import Pose, build_warp
from avatar_engine.types import UInt8

SIDE = 720
COLUMNS = 6
TILE = 240
EYES = {
    "open": EyeState(),
    "closing": EyeState(blink=0.6),
    "shut": EyeState(blink=1.0),
    "aside": EyeState(gaze_x=0.8),
    "down": EyeState(gaze_y=0.8),
    "other side": EyeState(gaze_x=-0.8),
}


def cut_tile(picture: UInt8, box: tuple[int, int, int, int], name: str) -> UInt8:
    x0, y0, x1, y1 = box
    tile = cv2.resize(picture[y0:y1, x0:x1, :3], (TILE, TILE), interpolation=cv2.INTER_AREA)
    cv2.putText(tile, name, (8, TILE - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return tile


def draw_tiles(painting: UInt8, layout: Layout) -> list[UInt8]:
    """Visemes, then eyes."""
    mouth, eyes, warp = MouthPainter(painting, layout), EyesPainter(painting, layout), build_warp(layout, layout)
    eyes.paint(painting, EyeState())
    tiles = []
    for name, viseme in VISEMES.items():
        mouth.paint(painting, viseme.shape)
        moved = warp.render(painting, Pose(jaw=measure_chin_drop(viseme.shape)))
        tiles.append(cut_tile(moved, layout.box(0.36, 0.4, 0.64, 0.68), name))
    mouth.paint(painting, VISEMES["rest"].shape)
    for name, state in EYES.items():
        eyes.paint(painting, state)
        tiles.append(cut_tile(painting, layout.box(0.36, 0.25, 0.64, 0.53), name))
    eyes.paint(painting, EyeState())
    return tiles


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    layout = build_layout(TILE * COLUMNS, SIDE)
    painting = paint_portrait(layout)
    tiles = draw_tiles(painting, layout)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(str(arguments.file), np.vstack([painting[:, :, :3], *rows])[:, :, ::-1])


if __name__ == "__main__":
    main()
