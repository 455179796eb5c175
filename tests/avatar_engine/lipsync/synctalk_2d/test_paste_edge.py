"""The edge of a drawn mouth: soft, inside its box, and of the colours around it."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.lipsync.synctalk_2d.edge import (
    MOST_SHIFT,
    ColourMatch,
    build_soft_mask,
    find_ring,
    measure_ring,
)
from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_328, ULTRALIGHT_160, NetSpec
from avatar_engine.types import UInt8

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
