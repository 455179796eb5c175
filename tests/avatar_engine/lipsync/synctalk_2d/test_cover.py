"""Filling a room's picture from a source of another shape, and keeping it in memory."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from avatar_engine.lipsync.synctalk_2d import room_frames
from avatar_engine.lipsync.synctalk_2d.cover import build_cover, join_affines
from avatar_engine.lipsync.synctalk_2d.room_frames import RoomFrames
from avatar_engine.types import UInt8


def build_photo(height: int, width: int) -> UInt8:
    noise = np.random.default_rng(0).normal(128, 700, (height, width, 3))
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 8), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("source", [(1280, 720), (1080, 1920), (360, 288), (512, 512), (719, 401)])
@pytest.mark.parametrize("room", [(512, 512), (1280, 720), (720, 1280), (128, 300)])
def test_the_picture_is_filled_without_bending_it(source: tuple[int, int], room: tuple[int, int]) -> None:
    cover = build_cover(source, room, (source[0] / 2, source[1] / 3))
    assert cover.left >= 0
    assert cover.top >= 0
    assert cover.left + cover.width <= source[0]
    assert cover.top + cover.height <= source[1]
    assert cover.width == source[0] or cover.height == source[1]
    across, down = room[0] / cover.width, room[1] / cover.height
    assert across / down == pytest.approx(1, abs=0.01)
    frame = cover.apply(np.zeros((source[1], source[0], 3), np.uint8))
    assert frame.shape == (room[1], room[0], 3)


def test_the_face_stays_in_the_picture() -> None:
    for face in ((200.0, 200.0), (1100.0, 300.0), (640.0, 100.0)):
        cover = build_cover((1280, 720), (512, 512), face)
        x, y = cover.affine @ [*face, 1]
        assert 90 < x < 422
        assert 0 < y < 512
    portrait = build_cover((1080, 1920), (1280, 720), (540.0, 500.0))
    assert (portrait.affine @ [540, 500, 1])[1] == pytest.approx(0.42 * 720, abs=2)


def test_pixels_land_where_the_affine_says() -> None:
    frame = build_photo(360, 640)
    cover = build_cover((640, 360), (512, 512), (400, 150))
    moved = cv2.warpAffine(frame, cover.affine, (512, 512), flags=cv2.INTER_LINEAR)
    assert np.abs(moved.astype(int) - cover.apply(frame))[8:-8, 8:-8].max() <= 6


def test_affines_join_in_order() -> None:
    first = np.array([[2, 0, 1], [0, 2, 3]], np.float32)
    then = np.array([[1, 0, 10], [0, 0.5, 0]], np.float32)
    assert join_affines(first, then) @ [5, 6, 1] == pytest.approx(then @ [*(first @ [5, 6, 1]), 1])


def test_no_picture_comes_from_nothing() -> None:
    with pytest.raises(ValueError, match="cannot fill"):
        build_cover((0, 10), (128, 128), (0, 0))
    with pytest.raises(ValueError, match="without frames"):
        RoomFrames([], 0)


@pytest.mark.parametrize(("width", "limit_bytes"), [(320, 1 << 30), (320, 1 << 10), (321, 1 << 30)])
def test_frames_come_back_nearly_as_they_were(width: int, limit_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_frames, "PLANES_BYTES", limit_bytes)
    frames = [np.roll(build_photo(240, width), 9 * i, axis=1) for i in range(4)]
    kept = RoomFrames(iter(frames), 4)
    assert len(kept) == 4
    assert kept.bytes <= sum(frame.nbytes for frame in frames) * 0.51
    for number in (3, 0, 2):
        back = kept.read(number)
        assert np.abs(back.astype(int) - frames[number]).mean() < 2.5
        assert np.array_equal(back, kept.read(number))
