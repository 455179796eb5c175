"""The geometry of crops, against the numbers of the original."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from avatar_engine.compose.paste import paste
from avatar_engine.lipsync.synctalk_2d.crop import (
    build_affine,
    build_picture,
    build_rectangle,
    cut_crop,
    mask_inner,
    put_back,
    take_inner,
)
from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_328, ULTRALIGHT_160, NetSpec
from avatar_engine.types import Int32, UInt8

WHOLE, HALF = PUBLISHED_328, ULTRALIGHT_160


def build_photo(height: int, width: int, seed: int = 0) -> UInt8:
    """Noise without fine detail, so that resizing it forth and back loses little."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    low, high = smooth.min(), smooth.max()
    return np.rint((smooth - low) / (high - low) * 255).astype(np.uint8)


def square(x: int, y: int, side: int) -> Int32:
    return np.array([x, y, x + side, y + side], np.int32)


def test_the_rectangle_of_a_face_is_the_original_one() -> None:
    points = [np.array(p, np.float32) for p in ((532.9, 300), (620, 210.7), (714.2, 310))]
    assert build_rectangle(*points).tolist() == [532, 210, 714, 392]


def test_real_landmarks_give_a_square_at_the_lower_face_in_every_frame(shared: Path) -> None:
    with np.load(shared / "data" / "ave_oracle" / "landmarks_110.npz") as stored:
        landmarks = stored["lms"]
    for points in landmarks:
        x0, y0, x1, y1 = build_rectangle(points[1], points[52], points[31]).tolist()
        assert x1 - x0 == y1 - y0
        lips = points[90:110]
        assert x0 < lips[:, 0].min() < lips[:, 0].max() < x1
        assert y0 < lips[:, 1].min() < lips[:, 1].max() < y1


def test_a_face_turned_away_has_no_rectangle() -> None:
    points = [np.array(p, np.float32) for p in ((500, 300), (500, 200), (500, 300))]
    with pytest.raises(ValueError, match="no face"):
        build_rectangle(*points)


@pytest.mark.parametrize(("spec", "last_column", "last_row"), [(WHOLE, 314, 309), (HALF, 154, 149)], ids=["328", "168"])
def test_the_mask_box_is_the_original_one(spec: NetSpec, last_column: int, last_row: int) -> None:
    crop = np.full((spec.crop, spec.crop, 3), 200, np.uint8)
    black = np.argwhere(mask_inner(take_inner(crop), spec).max(axis=-1) == 0)
    assert black.min(axis=0).tolist() == [5, 5]
    assert black.max(axis=0).tolist() == [last_row, last_column]
    assert len(black) == (last_row - 4) * (last_column - 4)


def test_masking_leaves_the_picture_alone() -> None:
    inner = build_photo(320, 320)
    before = inner.copy()
    mask_inner(inner, WHOLE)
    assert np.array_equal(inner, before)


def test_crops_are_bicubic_on_air_and_bilinear_in_training() -> None:
    frame = build_photo(720, 1280)
    face = frame[210:392, 532:714]
    rectangle = square(532, 210, 182)
    for training, resize in ((False, cv2.INTER_CUBIC), (True, cv2.INTER_LINEAR)):
        wanted = cv2.resize(face, (328, 328), interpolation=resize)
        assert np.array_equal(cut_crop(frame, rectangle, WHOLE, training=training), wanted)


def test_small_nets_shrink_by_area() -> None:
    frame = build_photo(720, 1280)
    wanted = cv2.resize(frame[100:604, 300:804], (168, 168), interpolation=cv2.INTER_AREA)
    assert np.array_equal(cut_crop(frame, square(300, 100, 504), HALF), wanted)


@pytest.mark.parametrize(("x", "y"), [(-40, 20), (60, -30), (150, 90), (-40, -40), (170, 20)])
def test_what_leaves_the_frame_is_black(x: int, y: int) -> None:
    frame = np.full((120, 200, 3), 255, np.uint8)
    crop = cut_crop(frame, square(x, y, 100), WHOLE)
    padded = np.zeros((120 + 400, 200 + 400, 3), np.uint8)
    padded[200:320, 200:400] = 255
    wanted = cv2.resize(padded[y + 200 : y + 300, x + 200 : x + 300], (328, 328), interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(crop, wanted)


def test_a_square_far_outside_is_all_black() -> None:
    frame = np.full((120, 200, 3), 255, np.uint8)
    for x, y in ((500, 20), (-500, 20), (20, 500), (20, -500)):
        assert not cut_crop(frame, square(x, y, 50), WHOLE).any()
        assert np.array_equal(put_back(frame, square(x, y, 50), np.zeros((328, 328, 3), np.uint8)), frame)


def test_an_empty_square_is_refused() -> None:
    with pytest.raises(ValueError, match="empty square"):
        cut_crop(np.zeros((9, 9, 3), np.uint8), np.array([3, 3, 3, 8], np.int32), WHOLE)


def test_a_network_sees_blue_first_and_the_reference_first() -> None:
    reference = np.zeros((320, 320, 3), np.uint8)
    reference[...] = (255, 128, 51)
    picture = build_picture(reference, reference, WHOLE)
    assert (picture.shape, picture.dtype) == ((6, 320, 320), np.float32)
    assert picture[:3, 100, 100] == pytest.approx([51 / 255, 128 / 255, 1.0])
    assert picture[3:, 4, 100] == pytest.approx([51 / 255, 128 / 255, 1.0])
    assert not picture[3:, 5:310, 5:315].any()
    assert picture[3:, 310:].all()


@pytest.mark.parametrize("rectangle", [square(532, 210, 182), square(-20, 60, 220), square(100, 100, 451)])
def test_putting_a_crop_back_restores_the_frame(rectangle: Int32) -> None:
    frame = build_photo(720, 1280)
    back = put_back(frame, rectangle, cut_crop(frame, rectangle, WHOLE))
    assert np.abs(back.astype(int) - frame).max() <= 16  # at the edge of the frame black is mixed in
    x0, y0, x1, y1 = rectangle.tolist()
    outside = np.ones(frame.shape[:2], np.bool_)
    outside[max(y0, 0) : y1, max(x0, 0) : x1] = False
    assert np.array_equal(back[outside], frame[outside])


@pytest.mark.parametrize("spec", [WHOLE, HALF], ids=["328", "168"])
def test_the_affine_lays_the_inner_picture_where_it_was_cut(spec: NetSpec) -> None:
    frame = build_photo(720, 1280)
    rectangle = square(532, 210, 182)
    inner = np.ascontiguousarray(take_inner(cut_crop(frame, rectangle, spec)))
    x0, y0, x1, y1 = spec.mask_box
    mask = np.zeros((spec.inner, spec.inner), np.float32)
    mask[y0:y1, x0:x1] = 1
    difference = np.abs(paste(frame, inner, build_affine(rectangle, spec), mask).astype(int) - frame)
    assert difference.max() <= 2
    assert difference.mean() < 0.05
