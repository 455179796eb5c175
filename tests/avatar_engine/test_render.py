"""The render process answers the link."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest

from avatar_engine import render as render_module
from avatar_engine import wire
from avatar_engine.errors import WireError
from avatar_engine.render import LINK_LOSS_CLOSES_AFTER_S, RenderProcess, parse_args
from tests.fakes.clock import in_virtual_time
from tests.fakes.link import RecordingLink
from tests.fakes.render import FakeStageSet, build_capabilities

OPEN = {
    "type": "room.open",
    "room": "a",
    "generation": 1,
    "spec": {"engine": "fake", "avatar": "", "width": 2, "height": 2, "seed": 1, "video_kbps": 0},
}


@asynccontextmanager
async def process(monkeypatch, tmp_path):
    """A render process whose link is in the hands of the test."""
    link = RecordingLink()
    monkeypatch.setattr(render_module, "LinkDialer", lambda *_, **__: link)
    monkeypatch.setattr(render_module, "StageSet", lambda *_, send, **__: FakeStageSet(build_capabilities(), send))
    token = tmp_path / "token"
    token.write_text("secret\n")
    args = parse_args(["--web", "ws://nowhere/ws/link/", "--token-file", str(token), "--capacity", "3"])
    made = RenderProcess(args)
    try:
        yield made, link
    finally:
        await made._rooms.close()


async def speak(made: RenderProcess, sentence: int, *, last: bool = True) -> None:
    speech = wire.Speech("a", 1, 1, sentence, 0, last, np.full(10 * 960, 500, np.int16), ())
    await made._take_binary(wire.unpack_binary(wire.pack_speech(speech)))


def events(link: RecordingLink) -> list[str]:
    return [report["event"] for report in link.of_type("report")]


@in_virtual_time
async def test_room_opens_speaks_and_closes(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, link):
        await made._take_text(OPEN)
        await asyncio.sleep(0.1)
        await speak(made, 7)
        await asyncio.sleep(1)
        assert events(link) == ["started", "ended"]
        await made._take_text({"type": "report.ack", "room": "a", "n": 2})
        assert made._rooms.performers["a"].reports.unacknowledged == []
        await made._take_text({"type": "room.close", "room": "a"})
        await asyncio.sleep(0.1)
        assert not made._rooms.performers


@in_virtual_time
async def test_playhead_says_what_was_refused_and_what_the_link_dropped(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, link):
        await made._take_text(OPEN)
        await asyncio.sleep(0.1)
        await speak(made, 7)
        await speak(made, 7)
        link.dropped = 3
        await asyncio.sleep(0.5)
        playhead = link.of_type("playhead")[-1]
        assert (playhead["refused"], playhead["link_dropped"]) == (1, 3)


@in_virtual_time
async def test_interrupt_and_lost_stage_reach_the_room(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, link):
        await made._take_text(OPEN)
        await asyncio.sleep(0.1)
        await speak(made, 7, last=False)
        await made._take_text({"type": "stage.lost", "room": "a"})
        await asyncio.sleep(1)
        assert events(link) == ["started", "ended"]
        await made._take_text({"type": "interrupt", "room": "a", "generation": 5})
        assert made._rooms.performers["a"].generation == 5
        await made._take_text({"type": "keyframe", "room": "a"})
        assert made._rooms.encoders[0].keyframes_asked == 1


@in_virtual_time
async def test_messages_for_rooms_that_are_not_here_are_ignored(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, link):
        for kind in ("interrupt", "stage.lost", "report.ack", "keyframe", "room.close", "something new"):
            await made._take_text({"type": kind, "room": "zzz"})
        await speak(made, 7)
        await asyncio.sleep(0.1)
        assert link.texts == []


@pytest.mark.parametrize("spec", [{}, {"engine": "x", "width": "wide"}, None, []])
@in_virtual_time
async def test_opening_without_a_spec_is_refused(monkeypatch, tmp_path, spec: object) -> None:
    async with process(monkeypatch, tmp_path) as (made, _):
        with pytest.raises(WireError):
            await made._take_text({**OPEN, "spec": spec})


@in_virtual_time
async def test_hello_says_what_is_held_and_asks_for_key_frames(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, _):
        await made._take_text(OPEN)
        await asyncio.sleep(0.1)
        hello = made._build_hello()
        performer = made._rooms.performers["a"]
        assert hello["rooms"] == [{"room": "a", "epoch": performer.epoch, "generation": 1}]
        assert (hello["capacity"], hello["version"]) == (3, wire.VERSION)
        assert "drawn" in hello["families"]
        assert made._rooms.encoders[0].keyframes_asked == 1


@in_virtual_time
async def test_rooms_outlive_a_short_loss_of_the_link_and_not_a_long_one(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, _):
        await made._take_text(OPEN)
        await asyncio.sleep(0.1)
        await made._link_down()
        await asyncio.sleep(LINK_LOSS_CLOSES_AFTER_S - 1)
        made._build_hello()
        await asyncio.sleep(LINK_LOSS_CLOSES_AFTER_S)
        assert "a" in made._rooms.performers
        await made._link_down()
        await asyncio.sleep(LINK_LOSS_CLOSES_AFTER_S + 1)
        assert not made._rooms.performers


@in_virtual_time
async def test_sentences_wait_for_the_link_and_end_with_what_has_arrived(monkeypatch, tmp_path) -> None:
    async with process(monkeypatch, tmp_path) as (made, link):
        await made._take_text(OPEN)
        await asyncio.sleep(0.1)
        await speak(made, 7, last=False)
        await made._link_down()
        await asyncio.sleep(1)
        assert "ended" not in events(link)
        made._build_hello()
        await asyncio.sleep(1)
        assert events(link) == ["started", "ended"]
