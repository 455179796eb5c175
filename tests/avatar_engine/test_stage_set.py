"""Rooms of one render process open, stay and close without harming each other."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from avatar_engine.errors import UnknownEngine
from avatar_engine.stage_set import StageSet
from avatar_engine.wire import Speech
from tests.fakes.clock import in_virtual_time, settle
from tests.fakes.render import SPEC, FakeStageSet, build_capabilities


@asynccontextmanager
async def stage_set():
    sent: list[dict] = []
    rooms = FakeStageSet(build_capabilities(), sent.append)
    try:
        yield rooms, sent
    finally:
        await rooms.close()


def types(sent: list[dict]) -> list[str]:
    return [message["type"] for message in sent]


def speech(sentence: int, chunks: int, *, last: bool, seq: int = 0) -> Speech:
    return Speech("a", 1, 1, sentence, seq, last, np.full(chunks * 960, 900, np.int16), ())


@in_virtual_time
async def test_opened_room_says_so_and_then_where_it_stands() -> None:
    async with stage_set() as (rooms, sent):
        await rooms.open("a", SPEC, 1)
        assert types(sent) == ["room.opened", "playhead"]
        assert sent[0]["epoch"] == sent[1]["epoch"] == rooms.performers["a"].epoch
        await asyncio.sleep(1)
        assert len(rooms.media) == 25


@in_virtual_time
async def test_opening_again_keeps_the_epoch_and_repeats_what_was_not_acknowledged() -> None:
    async with stage_set() as (rooms, sent):
        await rooms.open("a", SPEC, 1)
        performer = rooms.performers["a"]
        performer.push(speech(7, 10, last=True))
        performer.push(speech(8, 100, last=True))
        await asyncio.sleep(0.5)
        performer.reports.acknowledge(1)
        sent.clear()
        await rooms.open("a", SPEC, 1)
        assert rooms.performers["a"] is performer
        assert types(sent) == ["room.opened", "report", "report", "playhead"]
        assert [(report["n"], report["event"], report["sentence"]) for report in sent[1:3]] == [
            (2, "ended", 7),
            (3, "started", 8),
        ]
        assert sent[-1]["sentences"] == [8]
        performer.reports.acknowledge(3)
        sent.clear()
        await rooms.open("a", SPEC, 1)
        assert types(sent) == ["room.opened", "playhead"]


@in_virtual_time
async def test_opening_again_ends_the_sentence_whose_sender_is_gone() -> None:
    async with stage_set() as (rooms, sent):
        await rooms.open("a", SPEC, 1)
        rooms.performers["a"].push(speech(7, 20, last=False))
        await asyncio.sleep(0.2)
        await rooms.open("a", SPEC, 1)
        await asyncio.sleep(1)
        ended = [message for message in sent if message.get("event") == "ended"]
        assert [report["heard_ms"] for report in ended] == [400]


@in_virtual_time
async def test_opening_with_a_newer_generation_interrupts() -> None:
    async with stage_set() as (rooms, sent):
        await rooms.open("a", SPEC, 1)
        rooms.performers["a"].push(speech(7, 100, last=True))
        await asyncio.sleep(0.5)
        await rooms.open("a", SPEC, 2)
        assert [message["event"] for message in sent if message["type"] == "report"][:2] == ["started", "cut"]
        assert rooms.performers["a"].generation == 2


@in_virtual_time
async def test_another_spec_is_another_epoch() -> None:
    async with stage_set() as (rooms, _):
        await rooms.open("a", SPEC, 1)
        first = rooms.performers["a"]
        await rooms.open("a", replace(SPEC, seed=2), 1)
        assert rooms.performers["a"].epoch > first.epoch
        before = first.pts
        await asyncio.sleep(1)
        assert first.pts == before, "the old one has stopped"


@pytest.mark.parametrize("error", [UnknownEngine("no such family"), RuntimeError("out of memory"), KeyError("weights")])
@in_virtual_time
async def test_room_that_cannot_be_shown_says_why(error: Exception) -> None:
    async with stage_set() as (rooms, sent):
        await rooms.open("b", SPEC, 1)
        rooms.load_error = error
        sent.clear()
        await rooms.open("a", SPEC, 1)
        assert sent == [{"type": "room.failed", "room": "a", "reason": str(error)}]
        assert list(rooms.performers) == ["b"]


@in_virtual_time
async def test_performer_that_breaks_is_told_and_leaves_the_other_rooms_on_air() -> None:
    async with stage_set() as (rooms, sent):
        await rooms.open("a", SPEC, 1)
        await rooms.open("b", SPEC, 1)
        rooms.encoders[0].fail_at = 10
        await asyncio.sleep(2)
        assert [message for message in sent if message["type"] == "room.failed"] == [
            {"type": "room.failed", "room": "a", "reason": "the performer stopped"}
        ]
        assert list(rooms.performers) == ["b"]
        assert len(rooms.encoders[1].frames) >= 50
        await rooms.open("a", SPEC, 1)
        await asyncio.sleep(1)
        assert len(rooms.encoders[2].frames) >= 25


@in_virtual_time
async def test_closed_room_stops_and_closing_waits_for_an_opening_under_way() -> None:
    async with stage_set() as (rooms, _):
        opening = asyncio.create_task(rooms.open("a", SPEC, 1))
        await asyncio.sleep(0)
        closing = asyncio.create_task(rooms.close_room("a"))
        await asyncio.gather(opening, closing)
        assert not rooms.performers
        frames = len(rooms.media)
        await asyncio.sleep(1)
        assert len(rooms.media) == frames


@in_virtual_time
async def test_speech_waits_while_nobody_can_hear_and_then_ends_with_what_has_arrived() -> None:
    async with stage_set() as (rooms, sent):
        for room in ("a", "b"):
            await rooms.open(room, SPEC, 1)
            rooms.performers[room].push(speech(7, 10, last=False))
        rooms.hold()
        frames = len(rooms.media)
        await asyncio.sleep(1)
        assert len(rooms.media) > frames
        assert not [message for message in sent if message.get("event") == "ended"]
        rooms.go_on()
        await asyncio.sleep(1)
        assert sorted(message["room"] for message in sent if message.get("event") == "ended") == ["a", "b"]
        await settle()


class CountedEngine:
    """Remembers which avatars were loaded."""

    capabilities = build_capabilities(features="spectral")
    loaded: list[str]

    @classmethod
    def load(cls, folder: Path | None, device: str) -> "CountedEngine":
        cls.loaded.append(folder.name if folder else "")
        return cls()


def test_engines_of_avatars_that_nobody_shows_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    CountedEngine.loaded = []
    monkeypatch.setattr("avatar_engine.stage_set.load_engine_class", lambda _: CountedEngine)
    nowhere = dict.fromkeys(("send", "send_media", "send_clip"), lambda *_: None)
    rooms = StageSet(Path("data"), "cpu", encoder="h264", **nowhere)
    rooms.performers["on air"] = SimpleNamespace(spec=replace(SPEC, avatar="kept"))
    for avatar in ("kept", "a", "b", "b", "kept", "c", "d", "kept"):
        rooms._load("fake", avatar)
    assert CountedEngine.loaded == ["kept", "a", "b", "c", "d"]
    assert {avatar for _, avatar in rooms._engines} == {"kept", "c", "d"}
