"""How a source frame fills a picture of another size: cut to its shape around the face, then scaled."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from avatar_engine.types import Float32, UInt8

FACE_HEIGHT = 0.42
"""Where the face should stand in the picture, from the top, where there is a choice."""


@dataclass(frozen=True, slots=True)
class Cover:
    """The rectangle left, top, width, height of the source, px, that fills a picture of room_width x room_height."""

    left: int
    top: int
    width: int
    height: int
    room_width: int
    room_height: int

    @property
    def affine(self) -> Float32:
        """float32[2, 3], source pixels to room pixels; pixel centres lie at whole numbers."""
        across, down = self.room_width / self.width, self.room_height / self.height
        return np.array(
            [
                [across, 0, (0.5 - self.left) * across - 0.5],
                [0, down, (0.5 - self.top) * down - 0.5],
            ],
            np.float32,
        )

    def apply(self, frame: UInt8) -> UInt8:
        """`frame` uint8[H, W, 3] as uint8[room_height, room_width, 3]."""
        part = frame[self.top : self.top + self.height, self.left : self.left + self.width]
        if part.shape[:2] == (self.room_height, self.room_width):
            return np.ascontiguousarray(part)
        shrinks = self.room_width < self.width
        resize = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(part, (self.room_width, self.room_height), interpolation=resize), np.uint8)


def build_cover(source: tuple[int, int], room: tuple[int, int], face: tuple[float, float]) -> Cover:
    """The largest part of a source of (width, height) with the shape of the room's picture (width, height).

    `face` is the middle of the face, x and y in source px: it comes as near to the middle of the picture, and to
    `FACE_HEIGHT` of it, as the borders of the source allow. Raises ValueError for sides below 1 px.
    """
    if min(*source, *room) < 1:
        raise ValueError(f"cannot fill {room[0]}x{room[1]} px from {source[0]}x{source[1]} px")
    scale = max(room[0] / source[0], room[1] / source[1])
    width = min(max(round(room[0] / scale), 1), source[0])
    height = min(max(round(room[1] / scale), 1), source[1])
    left = min(max(round(face[0] - width / 2), 0), source[0] - width)
    top = min(max(round(face[1] - FACE_HEIGHT * height), 0), source[1] - height)
    return Cover(left, top, width, height, *room)


def join_affines(first: Float32, then: Float32) -> Float32:
    """float32[2, 3] that does `first`, then `then`."""
    whole = np.vstack([then.astype(np.float64), [0, 0, 1]]) @ np.vstack([first.astype(np.float64), [0, 0, 1]])
    return np.asarray(whole[:2], np.float32)
