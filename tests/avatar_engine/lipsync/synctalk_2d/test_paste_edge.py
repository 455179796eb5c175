"""The edge of a drawn mouth: soft, inside its box, and of the colours around it."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.lipsync.synctalk_2d.edge import (
    MOST_SHIFT,
    ColourMatch,
    build_face_mask,
    build_soft_mask,
    find_ring,
    measure_ring,
)
from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_328, ULTRALIGHT_160, NetSpec
from avatar_engine.types import Float32, UInt8

SPECS = pytest.mark.parametrize("spec", [PUBLISHED_328, ULTRALIGHT_160, NetSpec(80, (8, 8, 16, 16))])


def build_face(side: int, seed: int = 0) -> UInt8:
    """Skin with shading and grain."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    shade = 120 + 60 * columns - 40 * rows
    grain = np.random.default_rng(seed).normal(0, 4, (side, side))
    levels = (shade + grain)[..., None] + np.array([30, 0, -20])
    return np.clip(levels, 0, 255).astype(np.uint8)


@SPECS
def test_the_edge_is_soft_and_inside_the_mask_box(spec: NetSpec) -> None:
    mask = build_soft_mask(spec)
    x0, y0, x1, y1 = spec.mask_box
    outside = np.ones_like(mask, np.bool_)
    outside[y0:y1, x0:x1] = False
    assert not mask[outside].any()
    assert mask.max() == 1
    assert np.abs(np.diff(mask, axis=0)).max() < 30 / spec.inner
    assert np.abs(np.diff(mask, axis=1)).max() < 30 / spec.inner
    border = np.concatenate([mask[y0, x0:x1], mask[y1 - 1, x0:x1], mask[y0:y1, x0], mask[y0:y1, x1 - 1]])
    assert border.max() < 0.05


@pytest.mark.parametrize("spec", [PUBLISHED_328, ULTRALIGHT_160])
def test_mouth_and_chin_are_wholly_drawn(spec: NetSpec) -> None:
    """The chin rests at 0.71 of the square."""
    mask = build_soft_mask(spec)
    side = spec.inner
    assert (mask[round(0.3 * side) : round(0.82 * side), round(0.25 * side) : round(0.75 * side)] == 1).all()
    assert np.array_equal(mask, mask[:, ::-1])


def test_the_ring_leaves_the_jaw_out() -> None:
    mask = build_soft_mask(PUBLISHED_328)
    ring = find_ring(mask)
    assert ring.sum() > 2000
    assert not ring[230:].any()
    assert not ring[mask == 0].any()
    assert not ring[mask == 1].any()


@pytest.mark.parametrize("tint", [(0, 0, 0), (12, -9, 4), (-15, -15, -15)])
def test_a_tint_of_the_drawn_picture_is_taken_back(tint: tuple[int, int, int]) -> None:
    face = build_face(320)
    ring = find_ring(build_soft_mask(PUBLISHED_328))
    drawn = np.clip(face.astype(int) + tint, 0, 255).astype(np.uint8)
    matched = ColourMatch().apply(drawn, ring, measure_ring(face, ring))
    assert np.abs(matched.astype(int) - face).max() <= 2


def test_flat_and_absurd_pictures_stay_within_limits() -> None:
    face = build_face(320)
    ring = find_ring(build_soft_mask(PUBLISHED_328))
    for level in (0, 255):
        drawn = np.full_like(face, level)
        matched = ColourMatch().apply(drawn, ring, measure_ring(face, ring))
        assert np.abs(matched.astype(int) - level).max() <= MOST_SHIFT + 1


def test_colours_follow_slowly_and_begin_anew_after_a_reset() -> None:
    face = build_face(320)
    ring = find_ring(build_soft_mask(PUBLISHED_328))
    source = measure_ring(face, ring)
    dark = (face - 10).astype(np.uint8)
    match = ColourMatch()
    first = match.apply(face, ring, source)
    second = match.apply(dark, ring, source)
    assert first.mean() - second.mean() > 5
    match.reset()
    assert abs(float(match.apply(dark, ring, source).mean()) - float(face.mean())) < 1


def build_outline(side: int, *, drop: float = 0.0) -> Float32:
    """A face whose chin rests at 0.71 of the square."""
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    across, down = 0.5 + 0.47 * np.sin(turn), 0.12 - 0.59 * np.cos(turn)
    return (np.stack([across, down + drop * (down > 0.4)], axis=1) * side).astype(np.float32)


def test_what_is_no_face_stays_the_source() -> None:
    side = PUBLISHED_328.inner
    mask = build_face_mask(PUBLISHED_328, [build_outline(side)])
    assert mask[round(0.66 * side), side // 2] > 0.99  # the chin
    assert mask[round(0.78 * side), side // 2] > 0.9  # where it goes when the jaw drops
    assert mask[round(0.93 * side), side // 2] < 0.05  # the collar
    assert mask[round(0.75 * side), round(0.08 * side)] < 0.05  # the wall beside the jaw
    assert (mask <= build_soft_mask(PUBLISHED_328) + 1e-6).all()
    assert np.abs(np.diff(mask, axis=0)).max() < 0.1


def test_every_frame_of_the_loop_has_room_for_its_chin() -> None:
    side = PUBLISHED_328.inner
    shut, open_wide = build_outline(side), build_outline(side, drop=0.12)
    both = build_face_mask(PUBLISHED_328, [shut, open_wide])
    assert both[round(0.87 * side), side // 2] > 0.8
    assert (both >= build_face_mask(PUBLISHED_328, [shut]) - 1e-6).all()


@pytest.mark.parametrize("outlines", [[], [np.full((36, 2), 160, np.float32)], [np.full((36, 2), 1e9, np.float32)]])
def test_without_a_face_the_whole_box_is_drawn(outlines: list[Float32]) -> None:
    assert np.array_equal(build_face_mask(PUBLISHED_328, outlines), build_soft_mask(PUBLISHED_328))
