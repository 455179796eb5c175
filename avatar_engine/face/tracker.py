"""Follows one face through a video: detector where there is no face yet, landmarks of the last frame elsewhere."""

from __future__ import annotations

from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker, Mesh
from avatar_engine.face.region import Region, region_of_face, region_of_points
from avatar_engine.types import UInt8

LEAST_PRESENCE = 0.5


class FaceTracker:
    """Feed it the frames in order. Its state is the place of the face in the last frame."""

    def __init__(self, detector: FaceDetector, landmarker: FaceLandmarker) -> None:
        self._detector = detector
        self._landmarker = landmarker
        self._region: Region | None = None

    def track(self, rgb: UInt8) -> Mesh | None:
        """The mesh of the face in uint8[h, w, 3] RGB, or None where there is none."""
        if self._region is not None:
            mesh = self._landmarker.locate(rgb, self._region)
            if mesh.presence >= LEAST_PRESENCE:
                return self._keep(mesh)
            self.forget()
        faces = self._detector.detect(rgb)
        if not faces:
            return None
        first = self._landmarker.locate(rgb, region_of_face(faces[0]))
        mesh = self._landmarker.locate(rgb, region_of_points(first.points))
        return self._keep(mesh) if mesh.presence >= LEAST_PRESENCE else None

    def forget(self) -> None:
        """Look for the face anew in the next frame: after a cut."""
        self._region = None

    def _keep(self, mesh: Mesh) -> Mesh:
        self._region = region_of_points(mesh.points)
        return mesh
