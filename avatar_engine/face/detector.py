"""Where faces are in a picture: YuNet through OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.errors import WeightsError
from avatar_engine.types import Float32, UInt8

LONGEST_PX = 640
"""Pictures are scaled down to this longer side: the network was trained on faces of 10 to 300 px."""
LEAST_SCORE = 0.7
_OVERLAP = 0.3
_MOST_FACES = 50


@dataclass(frozen=True, slots=True)
class Face:
    """One face that was found, in pixels of the whole picture.

    left, top, width, height: its box.
    eyes:  float32[2, 2], x and y of both eyes, the one further left in the picture first.
    score: 0 to 1.
    """

    left: float
    top: float
    width: float
    height: float
    eyes: Float32
    score: float

    @property
    def area(self) -> float:
        """Pixels of the box."""
        return self.width * self.height


class FaceDetector:
    """Holds the network. Not for several threads at once."""

    def __init__(self, weights: Path, *, least_score: float = LEAST_SCORE, longest_px: int = LONGEST_PX) -> None:
        """`weights` is `yunet_n_dynamic.onnx`. Raises `WeightsError`."""
        self._longest_px = longest_px
        if not weights.is_file():
            raise WeightsError(f"the face detector's file is not here: {weights.name}")
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # OpenCV 5 warns of a target nobody chose
        try:
            self._net = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), least_score, _OVERLAP, _MOST_FACES)
        except cv2.error as error:
            raise WeightsError(f"{weights.name} is no face detector: {error}") from error
        finally:
            cv2.utils.logging.setLogLevel(level)

    def detect(self, rgb: UInt8) -> list[Face]:
        """The faces in uint8[h, w, 3] RGB, the largest first."""
        height, width = rgb.shape[:2]
        ratio = min(1.0, self._longest_px / max(height, width))
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if ratio < 1 else rgb
        self._net.setInputSize(size)
        _, rows = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if rows is None:
            return []
        scale = np.array([width / size[0], height / size[1]], np.float32)
        return sorted((_build_face(row, scale) for row in rows), key=lambda face: -face.area)


def _build_face(row: Float32, scale: Float32) -> Face:
    """`row` is float32[15] as OpenCV gives it: box, five points (eyes first), score."""
    (left, top), (width, height) = row[0:2] * scale, row[2:4] * scale
    eyes = row[4:8].reshape(2, 2) * scale
    eyes = eyes[np.argsort(eyes[:, 0])].astype(np.float32)
    return Face(float(left), float(top), float(width), float(height), eyes, float(row[14]))
