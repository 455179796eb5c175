"""The frames of a loop at the size of a room, in memory."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from avatar_engine.types import UInt8

PLANES_BYTES = 200 << 20
"""Up to here frames are kept as 4:2:0 planes, as the video had them; they come back in half a millisecond."""
JPEG_QUALITY = 94


class RoomFrames:
    """N frames, uint8[height, width, 3] RGB, kept in half their size, or in a tenth where even that is too much."""

    def __init__(self, frames: Iterable[UInt8], count: int) -> None:
        """`frames` are RGB and of one size; `count` says how many will come. Raises ValueError where none do."""
        self._packed: list[UInt8] = []
        self._planes = False
        for frame in frames:
            if not self._packed:
                height, width = frame.shape[:2]
                self._planes = not (height % 2 or width % 2) and frame.nbytes // 2 * count <= PLANES_BYTES
            self._packed.append(self._pack(frame))
        if not self._packed:
            raise ValueError("a loop without frames")

    def __len__(self) -> int:
        return len(self._packed)

    @property
    def bytes(self) -> int:
        """Memory that the frames take."""
        return sum(packed.nbytes for packed in self._packed)

    def read(self, number: int) -> UInt8:
        """Frame `number`, uint8[height, width, 3] RGB, a fresh array."""
        packed = self._packed[number]
        if self._planes:
            return np.asarray(cv2.cvtColor(packed, cv2.COLOR_YUV2RGB_I420), np.uint8)
        return np.asarray(cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)

    def _pack(self, frame: UInt8) -> UInt8:
        if self._planes:
            return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), np.uint8)
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        _, packed = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), quality)
        return np.asarray(packed, np.uint8)
