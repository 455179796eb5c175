"""A sheet of pictures: what a person checks beside the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.types import UInt8

CELL_PX = 160
MOST_COLUMNS = 10
_HEAD_PX = 22
_LABEL_PX = 110
_PAPER, _INK = 245, (40, 40, 40)
_QUALITY = 90


def build_sheet(title: str, rows: Sequence[tuple[str, Sequence[UInt8]]]) -> UInt8:
    """uint8[h, w, 3] RGB: one line per (label, pictures uint8[h, w, 3]), each picture fitted into a square cell."""
    columns = min(MOST_COLUMNS, max((len(pictures) for _, pictures in rows), default=1))
    height, width = _HEAD_PX + len(rows) * CELL_PX, _LABEL_PX + columns * CELL_PX
    sheet = np.full((height, width, 3), _PAPER, np.uint8)
    _write(sheet, title, 6, 15)
    for line, (label, pictures) in enumerate(rows):
        top = _HEAD_PX + line * CELL_PX
        for part, text in enumerate(label.split("\n")):
            _write(sheet, text, 6, top + 20 + 16 * part)
        for column, picture in enumerate(pictures[:columns]):
            left = _LABEL_PX + column * CELL_PX
            sheet[top : top + CELL_PX - 2, left : left + CELL_PX - 2] = _fit(picture)
    return sheet


def save_sheet(sheet: UInt8, path: Path) -> None:
    """Write a JPEG."""
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


def _fit(picture: UInt8) -> UInt8:
    """The middle square of a picture at the size of a cell."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    size = (CELL_PX - 2, CELL_PX - 2)
    return np.asarray(cv2.resize(square, size, interpolation=cv2.INTER_AREA), np.uint8)


def _write(sheet: UInt8, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
