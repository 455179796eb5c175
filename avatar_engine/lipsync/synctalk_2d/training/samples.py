"""Pictures that let a person see how far a training has come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from avatar_engine.lipsync.synctalk_2d.training.atomic import write_whole
from avatar_engine.types import UInt8

if TYPE_CHECKING:
    from torch import Tensor

    from avatar_engine.lipsync.synctalk_2d.training.batches import Batch

_GAP_PX = 4
_QUALITY = 90
KEPT_SHEETS = 24


def write_sample_sheet(folder: Path, step: int, batch: Batch, drawn: Tensor) -> Path:
    """`step_00012000.jpg`: a row per sample with reference, what the network saw, what it drew, and the truth.

    The oldest sheets but the first go when there are more than `KEPT_SHEETS`.
    """
    columns = [batch.picture[:, :3], batch.picture[:, 3:], drawn, batch.target]
    sheet = _lay_out([_to_pixels(column) for column in columns])
    folder.mkdir(exist_ok=True)
    encoded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    path = folder / f"step_{step:08d}.jpg"
    write_whole(path, encoded.tobytes())
    for old in sorted(folder.glob("step_*.jpg"))[1 : -KEPT_SHEETS + 1]:
        old.unlink(missing_ok=True)
    return path


def _to_pixels(pictures: Tensor) -> UInt8:
    """uint8[B, S, S, 3] of float[B, 3, S, S] in 0..1."""
    return np.asarray((pictures.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy(), np.uint8)


def _lay_out(columns: list[UInt8]) -> UInt8:
    """uint8[rows, columns, 3], BGR, with a grey gap between pictures."""
    count, side = columns[0].shape[:2]
    pitch = side + _GAP_PX
    sheet = np.full((count * pitch - _GAP_PX, len(columns) * pitch - _GAP_PX, 3), 96, np.uint8)
    for column, pictures in enumerate(columns):
        for row, picture in enumerate(pictures):
            sheet[row * pitch : row * pitch + side, column * pitch : column * pitch + side] = picture
    return sheet
