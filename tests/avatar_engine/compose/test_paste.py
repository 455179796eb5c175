"""Laying patches over source frames."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.compose.paste import paste
from avatar_engine.types import Float32, UInt8

IDENTITY = np.eye(2, 3, dtype=np.float32)


def build_source() -> UInt8:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)


def move(x: float, y: float, scale: float = 1.0) -> Float32:
    return np.array([[scale, 0, x], [0, scale, y]], np.float32)


def test_full_frame_is_returned_without_a_copy() -> None:
    patch = build_source()
    assert paste(None, patch, IDENTITY, None) is patch
    assert paste(build_source(), patch, IDENTITY, None) is patch


def test_a_mask_of_zeros_returns_the_source_without_a_copy() -> None:
    source = build_source()
    patch = np.zeros((10, 10, 3), np.uint8)
    assert paste(source, patch, move(5, 5), np.zeros((10, 10), np.float32)) is source


def test_patch_lands_where_the_affine_says_and_nowhere_else() -> None:
    source = build_source()
    before = source.copy()
    patch = np.full((10, 20, 3), 200, np.uint8)
    frame = paste(source, patch, move(30, 25), None)
    assert np.array_equal(frame[25:35, 30:50], patch)
    frame[25:35, 30:50] = source[25:35, 30:50]
    assert np.array_equal(frame, source)
    assert np.array_equal(source, before)


def test_patch_is_scaled() -> None:
    frame = paste(np.zeros((60, 80, 3), np.uint8), np.full((10, 10, 3), 200, np.uint8), move(20, 10, 2.0), None)
    assert np.all(frame[12:28, 22:38] == 200)
    assert frame[5, 30].max() == 0
    assert frame[33, 30].max() == 0


def test_soft_mask_blends() -> None:
    source = np.full((60, 80, 3), 100, np.uint8)
    mask = np.tile(np.linspace(0, 1, 11, dtype=np.float32), (10, 1))
    frame = paste(source, np.full((10, 11, 3), 200, np.uint8), move(30, 20), mask)
    assert frame[25, 30:41, 0] == pytest.approx(np.linspace(100, 200, 11), abs=1)


@pytest.mark.parametrize("x", [-5, 72, 500])
def test_patch_may_leave_the_frame(x: float) -> None:
    source = np.zeros((60, 80, 3), np.uint8)
    frame = paste(source, np.full((10, 20, 3), 200, np.uint8), move(x, 55), None)
    assert frame.shape == source.shape
    assert (frame == 200).any() == (x < 80)


def test_fine_detail_of_a_patch_shown_small_becomes_its_mean() -> None:
    stripes = np.zeros((120, 120, 3), np.uint8)
    stripes[:, ::2] = 200
    frame = paste(np.zeros((60, 80, 3), np.uint8), stripes, move(20, 10, 1 / 3), np.ones((120, 120), np.float32))
    assert np.abs(frame[13:47, 23:57].astype(int) - 100).max() <= 40
    assert frame[13:47, 23:57].mean() == pytest.approx(100, abs=2)


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.74, 0.76, 1.3])
def test_a_patch_keeps_its_place_at_any_scale(scale: float) -> None:
    patch = np.zeros((90, 90, 3), np.uint8)
    patch[30:60, 30:60] = 240
    frame = paste(np.zeros((160, 160, 3), np.uint8), patch, move(20, 10, scale), None).astype(float)[..., 0]
    rows, columns = np.indices(frame.shape)
    centre = (np.sum(columns * frame) / frame.sum(), np.sum(rows * frame) / frame.sum())
    assert centre == pytest.approx((20 + 44.5 * scale, 10 + 44.5 * scale), abs=0.15)
    assert frame.sum() / 240 == pytest.approx((30 * scale) ** 2, rel=0.06)
