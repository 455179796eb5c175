"""The face networks on real pictures: places, sizes, turned heads, and pictures without a face."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatar_engine.errors import WeightsError
from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker
from avatar_engine.face.points import find_crop_points, measure_lips, measure_turn
from avatar_engine.face.region import region_of_face
from avatar_engine.face.topology import LEFT_EYE, LIP_CORNERS, POINTS, RIGHT_EYE
from avatar_engine.face.tracker import FaceTracker
from avatar_engine.types import UInt8

EMPTY = np.full((288, 360, 3), 90, np.uint8)


def turn(picture: UInt8, degrees: float) -> tuple[UInt8, np.ndarray]:
    """The picture turned about its middle, and the float64[2, 3] that did it."""
    height, width = picture.shape[:2]
    affine = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(picture, affine, (width, height), borderValue=(90, 90, 90)), affine


def test_one_face_is_found_with_its_eyes(detector: FaceDetector, speaker: list[UInt8]) -> None:
    (face,) = detector.detect(speaker[0])
    assert face.score > 0.8
    assert face.left < face.eyes[0, 0] < face.eyes[1, 0] < face.left + face.width
    assert face.top < face.eyes[:, 1].min()


def test_second_face_is_found_and_the_larger_comes_first(detector: FaceDetector, speaker: list[UInt8]) -> None:
    small = cv2.resize(speaker[0], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    both = np.zeros((288, 720, 3), np.uint8)
    both[: small.shape[0], : small.shape[1]] = small
    both[:, 360:] = speaker[0]
    faces = detector.detect(both)
    assert len(faces) == 2
    assert faces[0].left > 360 > faces[1].left
    assert faces[1].width == pytest.approx(0.6 * faces[0].width, rel=0.15)


def test_large_picture_gives_pixels_of_the_large_picture(detector: FaceDetector, portrait: UInt8) -> None:
    (whole,) = detector.detect(portrait)
    (half,) = detector.detect(cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    assert whole.left == pytest.approx(2 * half.left, abs=12)
    assert whole.height == pytest.approx(2 * half.height, rel=0.06)


def test_picture_without_a_face_has_none(detector: FaceDetector, landmarker: FaceLandmarker) -> None:
    assert detector.detect(EMPTY) == []
    assert FaceTracker(detector, landmarker).track(EMPTY) is None


def test_points_lie_on_the_face(detector: FaceDetector, landmarker: FaceLandmarker, speaker: list[UInt8]) -> None:
    mesh = FaceTracker(detector, landmarker).track(speaker[0])
    assert mesh is not None
    assert mesh.points.shape == (POINTS, 2)
    assert mesh.points.dtype == np.float32
    assert mesh.presence > 0.9
    eyes = np.stack([mesh.points[list(side)].mean(axis=0) for side in (LEFT_EYE, RIGHT_EYE)])
    assert np.abs(eyes - detector.detect(speaker[0])[0].eyes).max() < 5  # two networks, one face


@pytest.mark.parametrize("degrees", [-30, 20])
def test_points_follow_a_turned_head(
    detector: FaceDetector, landmarker: FaceLandmarker, speaker: list[UInt8], degrees: float
) -> None:
    turned, affine = turn(speaker[0], degrees)
    upright = FaceTracker(detector, landmarker).track(speaker[0])
    mesh = FaceTracker(detector, landmarker).track(turned)
    assert upright is not None
    assert mesh is not None
    expected = upright.points @ affine[:, :2].T + affine[:, 2]
    assert np.abs(mesh.points - expected).mean() < 2.0


def test_points_do_not_depend_on_the_size_of_the_picture(
    detector: FaceDetector, landmarker: FaceLandmarker, portrait: UInt8
) -> None:
    half = cv2.resize(portrait, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    large, small = (FaceTracker(detector, landmarker).track(picture) for picture in (portrait, half))
    assert large is not None
    assert small is not None
    eye_distance = measure_lips(large.points).face
    assert np.abs(large.points - 2 * small.points).mean() < 0.02 * eye_distance


def test_tracker_stays_on_the_face_and_agrees_with_a_fresh_look(
    detector: FaceDetector, landmarker: FaceLandmarker, speaker: list[UInt8]
) -> None:
    tracker = FaceTracker(detector, landmarker)
    followed = [tracker.track(frame) for frame in speaker]
    assert all(mesh is not None and mesh.presence > 0.9 for mesh in followed)
    fresh = FaceTracker(detector, landmarker).track(speaker[-1])
    assert followed[-1] is not None
    assert fresh is not None
    assert np.abs(followed[-1].points - fresh.points).mean() < 1.0


def test_tracker_finds_the_face_again_after_a_cut(
    detector: FaceDetector, landmarker: FaceLandmarker, speaker: list[UInt8]
) -> None:
    tracker = FaceTracker(detector, landmarker)
    moved = np.full((288, 360, 3), 90, np.uint8)
    moved[:144, :180] = cv2.resize(speaker[0], (180, 144), interpolation=cv2.INTER_AREA)
    assert tracker.track(speaker[0]) is not None
    assert tracker.track(EMPTY) is None
    mesh = tracker.track(moved)
    assert mesh is not None
    assert mesh.points.max() < 180


def test_mouth_opens_while_a_person_speaks(
    detector: FaceDetector, landmarker: FaceLandmarker, speaker: list[UInt8]
) -> None:
    tracker = FaceTracker(detector, landmarker)
    points = np.stack([mesh.points for frame in speaker if (mesh := tracker.track(frame))])
    lips = measure_lips(points)
    opening = lips.inner_opening / lips.face
    assert opening.shape == (75,)
    assert opening.min() < 0.03 < 0.08 < opening.max()
    assert (lips.outer_opening > lips.inner_opening).all()
    assert (lips.width >= lips.inner_width).all()
    assert np.abs(measure_turn(points)).max() < 0.35


def test_crop_square_holds_the_lips_at_the_height_of_the_published_clip(
    detector: FaceDetector, landmarker: FaceLandmarker, speaker: list[UInt8]
) -> None:
    mesh = FaceTracker(detector, landmarker).track(speaker[0])
    assert mesh is not None
    left, nose, right = find_crop_points(mesh.points)
    side = right[0] - left[0]
    lips = mesh.points[list(LIP_CORNERS)].mean(axis=0)
    assert (lips[1] - nose[1]) / side == pytest.approx(0.37, abs=0.09)  # 0.37 in 523 frames of a published clip
    assert (lips[0] - left[0]) / side == pytest.approx(0.5, abs=0.1)


def test_profile_is_told_from_a_face_that_looks_ahead() -> None:
    points = np.zeros((POINTS, 2), np.float32)
    points[[127, 234]] = 0.0, 0.0
    points[[356, 454]] = 100.0, 0.0
    points[[152, 195]] = 50.0, 40.0
    assert measure_turn(points) == pytest.approx(0.0, abs=1e-6)
    points[[152, 195]] = 90.0, 40.0
    assert measure_turn(points) == pytest.approx(0.8, abs=1e-6)


def test_points_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match="478"):
        measure_lips(np.zeros((110, 2), np.float32))


@pytest.mark.parametrize("content", [b"", b"not a network at all" * 100])
def test_spoilt_files_are_named(tmp_path: Path, content: bytes) -> None:
    spoilt = tmp_path / "spoilt.bin"
    spoilt.write_bytes(content)
    with pytest.raises(WeightsError, match=r"spoilt\.bin"):
        FaceLandmarker(spoilt)
    with pytest.raises(WeightsError, match=r"spoilt\.bin"):
        FaceDetector(spoilt)
    with pytest.raises(WeightsError, match=r"missing\.bin"):
        FaceDetector(tmp_path / "missing.bin")


def test_bundle_without_the_network_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bundle.task", "w") as archive:
        archive.writestr("face_landmarks_detector.tflite", b"TFL3" * 50)
    with pytest.raises(WeightsError, match=r"bundle\.task"):
        FaceLandmarker(tmp_path / "bundle.task")


def test_region_of_a_level_face_is_not_turned(detector: FaceDetector, speaker: list[UInt8]) -> None:
    region = region_of_face(detector.detect(speaker[0])[0])
    affine = region.to_affine(256)
    assert abs(region.angle) < 0.2
    middle = affine @ np.array([128, 128, 1.0])
    assert middle == pytest.approx([region.centre_x, region.centre_y], abs=1e-6)
