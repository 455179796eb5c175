"""Reads the lips of drawn and of true frames with the same eyes."""

from __future__ import annotations

from avatar_engine.errors import WeightsError
from avatar_engine.evaluate.files import EvaluationFiles
from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker
from avatar_engine.face.points import measure_lips
from avatar_engine.face.region import region_of_face, region_of_points
from avatar_engine.face.topology import INNER_LIPS, OUTER_LIPS
from avatar_engine.types import Float32, UInt8

LIP_POINTS = (*OUTER_LIPS, *INNER_LIPS)
LEAST_PRESENCE = 0.5


class LipReader:
    """Holds both face networks and no state of a video: every frame is looked at by itself."""

    def __init__(self, files: EvaluationFiles) -> None:
        """Raises `WeightsError` where one of the two networks is not here."""
        if files.detector is None or files.landmarks is None:
            raise WeightsError("lips cannot be measured: fetch yunet-n and face-landmarker with `manage.py weights`")
        self._detector = FaceDetector(files.detector)
        self._landmarker = FaceLandmarker(files.landmarks)

    def find(self, rgb: UInt8) -> Float32 | None:
        """float32[478, 2], pixels, of the largest face of uint8[h, w, 3] RGB; None where there is none."""
        faces = self._detector.detect(rgb)
        if not faces:
            return None
        first = self._landmarker.locate(rgb, region_of_face(faces[0]))
        return self.find_near(rgb, first.points)

    def find_near(self, rgb: UInt8, points: Float32) -> Float32 | None:
        """The same for a face that lies where `points` float32[478, 2] are.

        A drawn frame is looked at through the square of its true frame, so that what the network gets wrong because
        of the square is the same in both.
        """
        mesh = self._landmarker.locate(rgb, region_of_points(points))
        return mesh.points if mesh.presence >= LEAST_PRESENCE else None


def take_lips(points: Float32) -> Float32:
    """The lips' points float32[40, 2] of float32[478, 2]."""
    return points[list(LIP_POINTS)]


def measure_opening(points: Float32) -> float:
    """How far the inner lips are apart, in distances between the outer corners of the eyes."""
    lips = measure_lips(points)
    return float(lips.inner_opening / max(float(lips.face), 1e-6))
