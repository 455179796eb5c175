"""What a presenter does in silence, in speech and between them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from avatar_engine.compose.paste import paste
from avatar_engine.lipsync.synctalk_2d.cover import build_cover
from avatar_engine.lipsync.synctalk_2d.edge import build_soft_mask
from avatar_engine.lipsync.synctalk_2d.loop_pictures import LoopPictures
from avatar_engine.lipsync.synctalk_2d.mouth import RAMP_FRAMES
from avatar_engine.lipsync.synctalk_2d.room_frames import RoomFrames
from avatar_engine.lipsync.synctalk_2d.session import SyncTalk2DSession
from avatar_engine.lipsync.synctalk_2d.source_loop import Stretch, find_frame
from avatar_engine.types import Float32, Patch, SpeechWindow, UInt8
from tests.fakes.generator import FakeGenerator
from tests.support.tiny_avatar import HEIGHT, SQUARE_PX, TINY, WIDTH, count_up, paint_frame

FRAMES = 30
PLACES = [(60 + i % 5, 55) for i in range(FRAMES)]
Open = Callable[..., tuple[SyncTalk2DSession, FakeGenerator]]


def open_session(chunk_frames: int = 1, rest: Float32 | None = None) -> tuple[SyncTalk2DSession, FakeGenerator]:
    frames = [paint_frame(place, 0) for place in PLACES]
    rectangles = np.array([[x, y, x + SQUARE_PX, y + SQUARE_PX] for x, y in PLACES], np.int32)
    pictures = LoopPictures(Stretch(0, FRAMES, calm=rest is None), rectangles, build_soft_mask(TINY), TINY)
    for frame in frames:
        pictures.add(frame)
    cover = build_cover((WIDTH, HEIGHT), (256, 256), (96, 60))
    generator = FakeGenerator(TINY, chunk_frames)
    room = RoomFrames([cover.apply(frame) for frame in frames], FRAMES)
    return SyncTalk2DSession(pictures, room, cover, generator, threading.Lock(), rest), generator


def build_window(flags: list[bool], first: int = 0) -> SpeechWindow:
    """Every frame hears its own number, so that it can be told from what was drawn."""
    features = np.stack([np.full((16, 512), first + i, np.float32) for i in range(len(flags))])
    return SpeechWindow(features, (), np.array(flags))


def compose(session: SyncTalk2DSession, patch: Patch, first_pose: int) -> list[UInt8]:
    assert patch.mask is not None
    return [
        paste(session.source(first_pose + i), patch.rgb[i], patch.affine[i], patch.mask[i])
        for i in range(len(patch.rgb))
    ]


def peaks(patch: Patch) -> list[float]:
    assert patch.mask is not None
    return [float(mask.max()) for mask in patch.mask]


def test_silence_shows_the_source_as_it_is_and_draws_nothing() -> None:
    session, generator = open_session()
    patch = session.render(SpeechWindow(np.zeros((4, 0), np.float32), (), np.zeros(4, np.bool_)), count_up(0, 4))
    assert peaks(patch) == [0] * 4
    assert generator.calls == []
    for i, frame in enumerate(compose(session, patch, 0)):
        assert np.array_equal(frame, session.source(i))


def test_the_mouth_comes_and_goes_over_three_frames() -> None:
    session, _ = open_session()
    patch = session.render(build_window([True] * 5 + [False] * 4), count_up(0, 9))
    assert peaks(patch) == pytest.approx([1 / 3, 2 / 3, 1, 1, 1, 2 / 3, 1 / 3, 0, 0], abs=1e-6)
    assert RAMP_FRAMES == 3


def test_speech_that_goes_on_at_once_does_not_start_over() -> None:
    session, _ = open_session()
    patch = session.render(build_window([True] * 4 + [False] + [True] * 2), count_up(0, 7))
    assert peaks(patch) == pytest.approx([1 / 3, 2 / 3, 1, 1, 2 / 3, 1, 1], abs=1e-6)


def test_the_fading_mouth_hears_the_end_of_the_speech_move_away() -> None:
    session, generator = open_session()
    session.render(build_window([True] * 4 + [False] * 3), count_up(0, 7))
    assert len(generator.windows) == 6
    assert (generator.windows[4][:15] == 3).all()
    assert not generator.windows[4][15:].any()
    assert not generator.windows[5][14:].any()


def test_frames_are_those_of_the_loop_whatever_is_said() -> None:
    session, generator = open_session()
    session.render(build_window([True] * 8), count_up(25, 8))
    assert generator.frames == [25, 26, 27, 28, 29, 28, 27, 26]
    assert session.loop_frames == 58
    for pose in (0, 29, 30, 57):
        assert np.array_equal(session.source(pose), session.source(pose + 58))


def test_each_frame_is_drawn_with_what_it_hears_where_its_face_is() -> None:
    session, generator = open_session()
    patch = session.render(build_window([True] * 6), count_up(0, 6))
    assert [float(window[0, 0]) for window in generator.windows] == [0, 1, 2, 3, 4, 5]
    moved = patch.affine[1] @ [40, 40, 1] - patch.affine[0] @ [40, 40, 1]
    scale = 256 / HEIGHT
    assert moved == pytest.approx([scale, 0], abs=0.01)


def test_nothing_outside_the_face_changes() -> None:
    session, _ = open_session()
    for i, frame in enumerate(compose(session, session.render(build_window([True] * 5), count_up(0, 5)), 0)):
        source = session.source(i)
        changed = np.argwhere(np.abs(frame.astype(int) - source).max(axis=-1) > 0)
        assert len(changed) > 1000 * (i > 0)
        scale = 256 / HEIGHT
        cut = (WIDTH - HEIGHT) / 2
        x, y = (PLACES[i][0] - cut) * scale, PLACES[i][1] * scale
        assert changed[:, 1].min() >= x - 1
        assert changed[:, 1].max() <= x + SQUARE_PX * scale + 1
        assert changed[:, 0].min() >= y - 1
        assert changed[:, 0].max() <= y + SQUARE_PX * scale + 1


@pytest.mark.parametrize("chunk", [1, 2, 4])
def test_cutting_a_run_changes_no_pixel_in_silence_speech_and_between(chunk: int) -> None:
    flags = [False] * 3 + [True] * 9 + [False] * 2 + [True] * 4 + [False] * 6
    whole = open_session(chunk)[0].render(build_window(flags), count_up(0, len(flags)))
    for step in (chunk, 2 * chunk, 3 * chunk):
        session, _ = open_session(chunk)
        pieces = [
            session.render(build_window(flags[at : at + step], at), count_up(at, len(flags[at : at + step])))
            for at in range(0, len(flags), step)
        ]
        for name in ("rgb", "affine", "mask"):
            assert np.array_equal(getattr(whole, name), np.concatenate([getattr(piece, name) for piece in pieces]))


def test_a_face_that_talks_in_its_source_is_drawn_at_rest_in_silence() -> None:
    rest = np.full((16, 512), 7, np.float32)
    session, generator = open_session(rest=rest)
    patch = session.render(build_window([False] * 3 + [True] * 2 + [False] * 4), count_up(0, 9))
    assert peaks(patch) == [1] * 9
    heard = [window[:, 0].tolist() for window in generator.windows]
    assert heard[:3] == [[7] * 16] * 3
    assert heard[5] == [4] * 15 + [7]
    assert heard[-1] == [7] * 16


def test_calls_to_the_generator_are_never_larger_than_it_wants() -> None:
    session, generator = open_session(4)
    session.render(build_window([True] * 10), count_up(0, 10))
    assert generator.calls == [4, 4, 2]


def test_pose_and_frame_agree() -> None:
    assert [find_frame(pose, FRAMES) for pose in (0, 29, 30)] == [0, 29, 28]
