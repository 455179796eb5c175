"""Real networks and real faces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker
from avatar_engine.types import UInt8
from avatar_engine.weights import FACE_DETECTOR, FACE_LANDMARKS
from tests.support.face_weights import find_face_weights


@pytest.fixture(scope="session")
def detector(shared: Path) -> FaceDetector:
    return FaceDetector(find_face_weights(shared) / FACE_DETECTOR.file)


@pytest.fixture(scope="session")
def landmarker(shared: Path) -> FaceLandmarker:
    return FaceLandmarker(find_face_weights(shared) / FACE_LANDMARKS.file)


def read_frames(path: Path, count: int) -> Iterator[UInt8]:
    with av.open(str(path)) as file:
        for number, frame in enumerate(file.decode(video=0)):
            if number == count:
                return
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


@pytest.fixture(scope="session")
def speaker(shared: Path) -> list[UInt8]:
    """75 frames of a person who speaks, uint8[288, 360, 3]."""
    return list(read_frames(shared / "data" / "grid_unseen_speakers" / "s31_bgiq6p.mpg", 75))


@pytest.fixture(scope="session")
def portrait(shared: Path) -> UInt8:
    """A person up to the waist, uint8[1920, 1080, 3]."""
    return next(read_frames(shared / "data" / "latentsync_demos" / "demo2_video.mp4", 1))
