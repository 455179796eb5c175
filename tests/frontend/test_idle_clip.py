"""Clips are put together from frames that may begin anywhere and break off."""

import pytest

from avatar_engine.errors import WireError
from frontend.idle_clip import IdleClipBuilder
from tests.frontend.hub_kit import build_frame


def test_a_clip_is_whole_with_its_last_frame() -> None:
    builder = IdleClipBuilder()
    assert builder.add(0, 3, build_frame(0, key=True)) is None
    assert builder.add(1, 3, build_frame(1)) is None
    clip = builder.add(2, 3, build_frame(2))
    assert clip is not None
    assert len(clip) == 3


def test_the_rest_of_a_clip_whose_beginning_was_not_seen_is_passed_over() -> None:
    builder = IdleClipBuilder()
    assert builder.add(370, 375, build_frame(370)) is None
    assert builder.add(374, 375, build_frame(374)) is None


def test_a_gap_gives_the_clip_up_once() -> None:
    builder = IdleClipBuilder()
    builder.add(0, 4, build_frame(0, key=True))
    with pytest.raises(WireError):
        builder.add(2, 4, build_frame(2))
    assert builder.add(3, 4, build_frame(3)) is None
