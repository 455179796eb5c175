"""What every lip-sync family promises, the fake included."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avatar_engine.compose.paste import is_identity, paste
from avatar_engine.errors import UnknownEngine
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.base import LipSyncEngine, Session
from avatar_engine.lipsync.registry import ENGINES, load_engine_class
from avatar_engine.timing import FRAME_MS, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int32, Mark, Patch, SpeechWindow, UInt8
from tests.fakes.engine import FakeEngine
from tests.support.tiny_avatar import build_tiny_avatar

SIDE = 256
RELAXED_FRAMES = 200
"""Silence after which nothing of an earlier sentence may be left."""
MARKS = tuple(
    Mark("phoneme", sign, 90.0 * i, 90.0 * (i + 1)) for i, sign in enumerate("hɛlowmapbisvuʃɑɹ")
)  # "hello, map, ..."

BUILDERS: dict[str, Callable[[], type[LipSyncEngine]]] = {
    "fake": lambda: FakeEngine,
    **{name: (lambda name=name: load_engine_class(name)) for name in ENGINES},
}
AVATARS: dict[str, Callable[[Path], Path]] = {
    "synctalk_2d": lambda folder: build_tiny_avatar(folder).path,
}
"""Families that show an avatar of a folder: a tiny one with random weights, made on the spot."""


@pytest.fixture(scope="module", params=sorted(BUILDERS))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LipSyncEngine:
    family = request.param
    build = AVATARS.get(family)
    folder = build(tmp_path_factory.mktemp("avatars") / "tiny") if build is not None else None
    return BUILDERS[family]().load(folder, "cpu")


def build_features(engine: LipSyncEngine, frames: int) -> Float32:
    """Rows of a syllable-like sound of `frames` frames, by the extractor that the engine asks for."""
    t = np.arange(frames * SAMPLES_PER_FRAME) / SAMPLE_RATE_HZ
    voice = np.sin(2 * np.pi * 140 * t) + 0.5 * np.sin(2 * np.pi * 1900 * t)
    pcm = np.round(9000 * np.abs(np.sin(2 * np.pi * 2.1 * t)) * voice).astype(np.int16)
    stream = load_extractor(engine.capabilities.features).open()
    stream.push(pcm, last=True)
    return stream.take(stream.ready)


def build_window(engine: LipSyncEngine, frames: int, *, speaking: bool = True) -> SpeechWindow:
    return SpeechWindow(build_features(engine, frames), MARKS, np.full(frames, speaking))


def cut(window: SpeechWindow, start: int, stop: int) -> SpeechWindow:
    shift = start * FRAME_MS
    marks = tuple(Mark(m.kind, m.text, m.start_ms - shift, m.end_ms - shift) for m in window.marks)
    return SpeechWindow(window.features[start:stop], marks, window.speaking[start:stop])


def count_up(start: int, frames: int) -> Int32:
    return np.arange(start, start + frames, dtype=np.int32)


def compose(session: Session, patch: Patch, poses: Int32) -> list[UInt8]:
    masks = [None] * len(poses) if patch.mask is None else list(patch.mask)
    return [paste(session.source(int(pose)), patch.rgb[i], patch.affine[i], masks[i]) for i, pose in enumerate(poses)]


def render(session: Session, window: SpeechWindow, first_pose: int) -> list[UInt8]:
    poses = count_up(first_pose, window.frames)
    return compose(session, session.render(window, poses), poses)


def test_patch_has_the_promised_shapes(engine: LipSyncEngine) -> None:
    session = engine.open(1, SIDE, SIDE)
    frames = engine.capabilities.chunk_frames
    patch = session.render(build_window(engine, frames), count_up(0, frames))
    height, width = patch.rgb.shape[1:3]
    assert patch.rgb.shape == (frames, height, width, 3)
    assert patch.rgb.dtype == np.uint8
    assert (patch.affine.shape, patch.affine.dtype) == ((frames, 2, 3), np.float32)
    if patch.mask is not None:
        assert (patch.mask.shape, patch.mask.dtype) == ((frames, height, width), np.float32)
        assert patch.mask.min() >= 0
        assert patch.mask.max() <= 1
    assert (session.width, session.height) == (SIDE, SIDE)
    assert session.loop_frames > 0


def test_full_frame_family_gives_full_frames_and_the_identity(engine: LipSyncEngine) -> None:
    session = engine.open(1, SIDE, SIDE)
    source = session.source(0)
    if source is not None:
        assert (source.shape, source.dtype) == ((SIDE, SIDE, 3), np.uint8)
        return
    patch = session.render(build_window(engine, 2), count_up(0, 2))
    assert patch.rgb.shape[1:] == (SIDE, SIDE, 3)
    assert all(is_identity(affine) for affine in patch.affine)
    assert patch.mask is None


@pytest.mark.parametrize(("width", "height"), [(SIDE, 320), (384, SIDE)])
def test_any_picture_size_is_kept(engine: LipSyncEngine, width: int, height: int) -> None:
    frame = render(engine.open(1, width, height), build_window(engine, 1, speaking=False), 0)[0]
    assert frame.shape == (height, width, 3)


def test_same_seed_and_calls_give_the_same_pixels(engine: LipSyncEngine) -> None:
    window = build_window(engine, 12)
    first, second = (render(engine.open(7, SIDE, SIDE), window, 0) for _ in range(2))
    assert np.array_equal(first, second)


def test_cutting_a_run_into_calls_changes_no_pixel(engine: LipSyncEngine) -> None:
    size = engine.capabilities.chunk_frames
    window = build_window(engine, 5 * size)
    whole = render(engine.open(3, SIDE, SIDE), window, 10)
    session = engine.open(3, SIDE, SIDE)
    pieces = [
        frame
        for start in range(0, window.frames, size)
        for frame in render(session, cut(window, start, start + size), 10 + start)
    ]
    assert np.array_equal(whole, pieces)


def test_the_idle_loop_closes(engine: LipSyncEngine) -> None:
    session = engine.open(5, SIDE, SIDE)
    for pose in (0, 17, session.loop_frames - 1):
        window = build_window(engine, 1, speaking=False)
        first = render(session, window, pose)[0]
        assert np.array_equal(first, render(session, window, pose + session.loop_frames)[0])


def test_speech_moves_the_picture(engine: LipSyncEngine) -> None:
    spoken = render(engine.open(5, SIDE, SIDE), build_window(engine, 12), 0)
    silent = render(engine.open(5, SIDE, SIDE), build_window(engine, 12, speaking=False), 0)
    assert any(np.abs(a.astype(int) - b).max() > 30 for a, b in zip(spoken, silent, strict=True))


def test_silence_gives_the_resting_picture_back(engine: LipSyncEngine) -> None:
    session = engine.open(5, SIDE, SIDE)
    rested = render(session, build_window(engine, 1, speaking=False), 30)[0]
    render(session, build_window(engine, 12), 31)
    render(session, build_window(engine, RELAXED_FRAMES, speaking=False), 43)
    again = render(session, build_window(engine, 1, speaking=False), 30 + session.loop_frames)[0]
    assert np.array_equal(rested, again)


def test_silence_needs_no_features(engine: LipSyncEngine) -> None:
    window = SpeechWindow(np.zeros((1, 0), np.float32), (), np.zeros(1, np.bool_))
    assert render(engine.open(5, SIDE, SIDE), window, 0)[0].shape == (SIDE, SIDE, 3)


def test_declared_extractor_exists(engine: LipSyncEngine) -> None:
    assert build_features(engine, 3).shape[0] == 3


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(UnknownEngine, match="drawn"):
        load_engine_class("oil_painting")
    with pytest.raises(UnknownEngine, match="spectral"):
        load_extractor("telepathy")


def test_the_core_needs_neither_django_nor_torch() -> None:
    code = (
        "import sys, avatar_engine.compose.paste, avatar_engine.features.decimate\n"
        "from avatar_engine.lipsync.registry import load_engine_class\n"
        "from avatar_engine.features.registry import load_extractor\n"
        "load_extractor(load_engine_class('drawn').load(None, 'cpu').capabilities.features)\n"
        "sys.exit(', '.join({'django', 'torch'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
