"""Clips in the render process: bounded, in order, taken at the listener's pace, and never before a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import cv2
import numpy as np
import pytest

from avatar_engine import wire
from avatar_engine.clips.jobs import CREDIT_FRAMES, MOST_CLIPS, MOST_WAY_S, PATIENCE_S, ClipJobs
from avatar_engine.clips.wire import (
    MOST_CLIP_S,
    ClipPicture,
    ClipSound,
    SoundBasket,
    pack_picture,
    pack_sound,
    unpack_picture,
    unpack_sound,
)
from avatar_engine.errors import AvatarFolderError, WireError
from avatar_engine.features.registry import load_extractor
from avatar_engine.types import Int16, UInt8
from tests.fakes.clock import in_virtual_time, settle
from tests.fakes.engine import FakeEngine

SPEC = {"engine": "fake", "avatar": "mira", "width": 128, "height": 128}


class Render:
    """The jobs of a render process, with what they sent."""

    def __init__(self) -> None:
        self.texts: list[dict[str, Any]] = []
        self.pictures: list[ClipPicture] = []
        self.pressed = False
        self.lent: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self.jobs = ClipJobs(self._lend, lambda: self.pressed, send=self.texts.append, send_binary=self._take)

    async def _lend(self, family: str, avatar: str) -> Any:
        self.lent.append((family, avatar))
        if self.error is not None:
            raise self.error
        engine = FakeEngine()
        return engine, load_extractor(engine.capabilities.features)

    def _take(self, data: bytes) -> None:
        self.pictures.append(unpack_picture(wire.unpack_binary(data)))

    def ask(self, clip: str, pcm: Int16, **changes: Any) -> None:
        self.jobs.open({"clip": clip, "spec": {**SPEC, "samples": len(pcm), **changes}})

    def send(self, clip: str, pcm: Int16) -> None:
        for data in pack_sound(clip, pcm):
            self.jobs.take_sound(unpack_sound(wire.unpack_binary(data)))

    def of(self, clip: str) -> list[int]:
        return [picture.index for picture in self.pictures if picture.clip == clip]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(text["clip"], text["reason"]) for text in self.texts]


@asynccontextmanager
async def render() -> AsyncIterator[Render]:
    made = Render()
    try:
        yield made
    finally:
        await made.jobs.close()


def build_voice(frames: float) -> Int16:
    t = np.arange(round(frames * 1920)) / 48_000
    return np.round(9000 * np.sin(2 * np.pi * 150 * t)).astype(np.int16)


def decode(picture: ClipPicture) -> UInt8:
    return np.asarray(cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR))


@in_virtual_time
async def test_a_clip_has_a_picture_for_every_40_ms_in_order() -> None:
    async with render() as made:
        pcm = build_voice(30.5)
        made.ask("a", pcm)
        made.send("a", pcm)
        await asyncio.sleep(1)
        assert made.of("a") == list(range(31))
        assert {picture.count for picture in made.pictures} == {31}
        assert made.pictures[-1].is_last
        assert decode(made.pictures[10]).shape == (128, 128, 3)
        assert made.lent == [("fake", "mira")]
        assert len(made.jobs) == 0
        assert made.texts == []


@in_virtual_time
async def test_a_clip_without_sound_is_the_presenter_at_rest() -> None:
    async with render() as made:
        made.ask("still", build_voice(0))
        await asyncio.sleep(1)
        assert made.of("still") == [0]
        assert np.ptp(decode(made.pictures[0])) <= 6  # the fake's source is flat


@in_virtual_time
async def test_pictures_wait_for_whoever_takes_them() -> None:
    async with render() as made:
        pcm = build_voice(120)
        made.ask("a", pcm)
        made.send("a", pcm)
        await asyncio.sleep(1)
        assert len(made.pictures) == CREDIT_FRAMES
        made.jobs.take_credit("a", CREDIT_FRAMES + 20)
        made.jobs.take_credit("a", 5)
        await asyncio.sleep(1)
        assert len(made.pictures) == CREDIT_FRAMES + 20
        made.jobs.take_credit("a", 1000)
        await asyncio.sleep(1)
        assert made.of("a") == list(range(120))


@in_virtual_time
async def test_a_clip_that_nobody_takes_is_given_up() -> None:
    async with render() as made:
        pcm = build_voice(120)
        made.ask("a", pcm)
        made.send("a", pcm)
        made.ask("b", pcm)
        await asyncio.sleep(2 * PATIENCE_S + 2)
        assert ("a", "timeout") in made.reasons
        assert ("b", "timeout") in made.reasons
        assert len(made.jobs) == 0


@in_virtual_time
async def test_rooms_go_first() -> None:
    async with render() as made:
        pcm = build_voice(20)
        made.pressed = True
        made.ask("a", pcm)
        made.send("a", pcm)
        await asyncio.sleep(MOST_WAY_S - 0.1)
        assert made.pictures == []
        await asyncio.sleep(5)
        assert 4 <= len(made.pictures) <= 6  # slowly, but it comes to its end
        made.pressed = False
        await asyncio.sleep(1)
        assert made.of("a") == list(range(20))


@in_virtual_time
async def test_clips_are_drawn_one_after_the_other_and_one_too_many_is_refused() -> None:
    async with render() as made:
        pcm = build_voice(10)
        names = [f"clip-{number}" for number in range(MOST_CLIPS + 1)]
        for name in names:
            made.ask(name, pcm)
        assert made.reasons == [(names[-1], "busy")]
        for name in names:
            made.send(name, pcm)
        await asyncio.sleep(3)
        assert [picture.clip for picture in made.pictures] == [name for name in names[:-1] for _ in range(10)]


@in_virtual_time
async def test_a_dropped_clip_stops_and_the_next_one_goes_on() -> None:
    async with render() as made:
        pcm = build_voice(120)
        made.ask("a", pcm)
        made.send("a", pcm)
        await asyncio.sleep(1)
        drawn = len(made.pictures)
        made.ask("b", pcm[:1920])
        made.send("b", pcm[:1920])
        made.jobs.drop("a")
        made.jobs.take_credit("a", 1000)
        await asyncio.sleep(1)
        assert len(made.of("a")) == drawn
        assert made.of("b") == [0]
        assert made.texts == []


@in_virtual_time
async def test_nothing_is_drawn_for_a_web_that_is_gone() -> None:
    async with render() as made:
        pcm = build_voice(120)
        for name in "ab":
            made.ask(name, pcm)
            made.send(name, pcm)
        made.jobs.drop_all()
        await asyncio.sleep(1)
        assert made.pictures == []
        assert len(made.jobs) == 0


@in_virtual_time
async def test_an_avatar_that_cannot_be_loaded_says_why() -> None:
    async with render() as made:
        made.error = AvatarFolderError("mira: there is no avatar.json")
        made.ask("a", build_voice(1))
        made.send("a", build_voice(1))
        await settle()
        await asyncio.sleep(0.1)
        assert made.texts == [
            {"type": "clip.failed", "clip": "a", "reason": "failed", "detail": "mira: there is no avatar.json"}
        ]
        made.error = None
        made.ask("b", build_voice(1))
        made.send("b", build_voice(1))
        await asyncio.sleep(0.5)
        assert made.of("b") == [0]


@in_virtual_time
async def test_sound_out_of_order_and_too_much_of_it_is_refused() -> None:
    async with render() as made:
        pcm = build_voice(60)
        for clip, piece in (
            ("order", ClipSound("order", 1, False, pcm[:10])),
            ("much", ClipSound("much", 0, True, pcm)),
        ):
            made.ask(clip, pcm[:100])
            with pytest.raises(WireError):
                made.jobs.take_sound(piece)
        assert made.reasons == [(clip, "bad_sound") for clip in ("order", "much")]
        made.jobs.take_sound(ClipSound("nobody", 0, True, pcm))
        assert len(made.jobs) == 0


@pytest.mark.parametrize(
    "changes",
    [{"samples": -1}, {"samples": 48_000 * MOST_CLIP_S + 1}, {"width": 64}, {"height": 5000}, {"width": "wide"}],
)
@in_virtual_time
async def test_a_clip_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    async with render() as made:
        with pytest.raises(WireError, match=r"bad clip\.open"):
            made.ask("a", build_voice(1), **changes)
        with pytest.raises(WireError, match=r"bad clip\.open"):
            made.jobs.open({"clip": "a"})


def test_sound_survives_the_wire() -> None:
    for samples in (0, 1, 48_000, 48_001, 100_000):
        pcm = np.arange(samples).astype(np.int16)
        basket = SoundBasket()
        for data in pack_sound("x", pcm):
            piece = unpack_sound(wire.unpack_binary(data))
            assert piece.clip == "x"
            basket.put(piece)
        assert basket.whole
        assert np.array_equal(basket.take(), pcm)


def test_a_picture_survives_the_wire_and_nonsense_does_not() -> None:
    picture = ClipPicture("x", 3, 9, b"\xff\xd8jpeg")
    assert unpack_picture(wire.unpack_binary(pack_picture(picture))) == picture
    for header in ({}, {"index": 9, "count": 9}, {"index": -1, "count": 2}, {"index": "a", "count": 2}):
        frame = wire.BinaryFrame(wire.Kind.CLIP_PICTURE, {"clip": "x", **header}, b"")
        with pytest.raises(WireError):
            unpack_picture(frame)
    with pytest.raises(WireError):
        unpack_sound(wire.BinaryFrame(wire.Kind.CLIP_SOUND, {"clip": "x", "seq": 0, "last": True}, b"odd"))
    with pytest.raises(WireError, match="names no clip"):
        wire.unpack_binary(wire.pack_binary(wire.Kind.CLIP_SOUND, {"room": "x"}, b""))
    with pytest.raises(WireError, match="names no room"):
        wire.unpack_binary(wire.pack_binary(wire.Kind.SPEECH, {"clip": "x"}, b""))
