"""The middle of the star: who shows which room, and who may speak for it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from avatar_engine import wire
from frontend.hub import MediaHub
from frontend.relay import UNCLAIMED_CLOSES_AFTER_S, Relay
from frontend.room_hub import State
from tests.fakes.clock import in_virtual_time, settle, virtual_loop
from tests.frontend.hub_kit import build_frame


class Peer:
    """The far end of a link socket; each send yields to other tasks, as sockets do."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: list[dict[str, Any]] = []
        self.binaries: list[bytes] = []

    async def send_text(self, message: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        self.texts.append(message)

    async def send_binary(self, data: bytes) -> None:
        await asyncio.sleep(0)
        self.binaries.append(data)

    def types(self, room: str | None = None) -> list[str]:
        return [text["type"] for text in self.texts if room in (None, text.get("room"))]


def opening(room: str, engine: str = "drawn", generation: int = 0) -> dict[str, Any]:
    return {"type": "room.open", "room": room, "generation": generation, "spec": {"engine": engine}}


def hello(*rooms: str, families: tuple[str, ...] = ("drawn",), capacity: int = 2) -> dict[str, Any]:
    held = [{"room": room, "epoch": 1, "generation": 0} for room in rooms]
    return {"type": "hello", "families": list(families), "capacity": capacity, "rooms": held}


def speech(room: str) -> tuple[wire.BinaryFrame, bytes]:
    data = wire.pack_binary(wire.Kind.SPEECH, {"room": room}, b"")
    return wire.unpack_binary(data), data


@asynccontextmanager
async def relaying():
    loop = virtual_loop()
    hub = MediaHub(clock=loop.time, wall=loop.time, sleep=asyncio.sleep)
    told: list[tuple[str, dict[str, Any]]] = []

    async def tell(room: str, event: dict[str, Any]) -> None:
        told.append((room, event))

    relay = Relay(hub, tell)
    try:
        yield relay, told
    finally:
        await relay.close()
        await hub.close()


@in_virtual_time
async def test_room_goes_to_a_render_of_its_family_with_the_least_to_do() -> None:
    async with relaying() as (relay, _):
        stage, other, busy, free = Peer("stage"), Peer("neural"), Peer("busy"), Peer("free")
        await relay.add_render(other, hello(families=("neural",), capacity=9))
        await relay.add_render(busy, hello(capacity=3))
        await relay.take_stage_text(stage, opening("one"))
        await relay.add_render(free, hello(capacity=1))
        await relay.take_stage_text(stage, opening("two"))
        await relay.take_stage_text(stage, opening("three"))
        await relay.take_stage_text(stage, opening("four"))
        await relay.take_stage_text(stage, opening("five"))
        assert [text["room"] for text in busy.texts] == ["one", "three", "four"]
        assert [text["room"] for text in free.texts] == ["two"]
        assert other.texts == []
        assert relay.routes["five"].render is None, "every place is taken"


@in_virtual_time
async def test_waiting_room_is_shown_when_a_render_joins() -> None:
    async with relaying() as (relay, _):
        stage, render = Peer("stage"), Peer("render")
        await relay.take_stage_text(stage, opening("one"))
        await relay.take_stage_text(stage, opening("two", engine="neural"))
        await relay.add_render(render, hello())
        assert render.texts == [opening("one")]


@in_virtual_time
async def test_stage_hears_how_many_watch_when_it_opens_a_room() -> None:
    async with relaying() as (relay, _):
        stage = Peer("stage")
        relay.hub.room("one").subscribe()
        await relay.take_stage_text(stage, opening("one"))
        assert stage.texts == [{"type": "audience", "room": "one", "viewers": 1}]


@in_virtual_time
async def test_sound_and_interrupts_go_to_the_render_that_shows_the_room() -> None:
    async with relaying() as (relay, _):
        stage, first, second = Peer("stage"), Peer("first"), Peer("second")
        await relay.add_render(first, hello(capacity=1))
        await relay.add_render(second, hello(capacity=1))
        await relay.take_stage_text(stage, opening("one"))
        await relay.take_stage_text(stage, opening("two"))
        frame, data = speech("two")
        await relay.take_stage_binary(stage, frame, data)
        await relay.take_stage_text(stage, {"type": "interrupt", "room": "two", "generation": 1})
        await relay.take_stage_text(stage, {"type": "report.ack", "room": "two", "n": 1})
        assert first.types() == ["room.open"]
        assert first.binaries == []
        assert second.types() == ["room.open", "interrupt", "report.ack"]
        assert second.binaries == [data]


@in_virtual_time
async def test_only_the_stage_that_holds_a_room_may_speak_for_it() -> None:
    async with relaying() as (relay, told):
        old, new, render = Peer("old"), Peer("new"), Peer("render")
        await relay.add_render(render, hello())
        await relay.take_stage_text(old, opening("one"))
        await relay.take_stage_text(new, opening("one", generation=1))
        frame, data = speech("one")
        await relay.take_stage_binary(old, frame, data)
        for message in (
            {"type": "event", "room": "one", "event": {"type": "state"}},
            {"type": "interrupt", "room": "one", "generation": 9},
            {"type": "room.close", "room": "one"},
        ):
            await relay.take_stage_text(old, message)
        assert (told, render.binaries) == ([], [])
        assert render.types() == ["room.open", "room.open"]
        await relay.take_stage_text(new, {"type": "event", "room": "one", "event": {"type": "state"}})
        assert told == [("one", {"type": "state"})]


@in_virtual_time
async def test_reports_come_only_from_the_render_that_holds_the_room() -> None:
    async with relaying() as (relay, _):
        stage, holder, stranger = Peer("stage"), Peer("holder"), Peer("stranger")
        shows = holder
        await relay.add_render(holder, hello())
        await relay.take_stage_text(stage, opening("one"))
        does_not = stranger
        await relay.add_render(stranger, hello())
        stage.texts.clear()
        report = {"type": "report", "room": "one", "n": 1}
        await relay.take_render_text(does_not, report)
        await relay.take_render_text(does_not, {"type": "report", "room": "nowhere", "n": 1})
        await relay.take_render_text(shows, {"type": "event", "room": "one", "event": {}})
        assert stage.texts == []
        await relay.take_render_text(shows, report)
        assert stage.texts == [report]


@in_virtual_time
async def test_pictures_come_only_from_the_render_that_holds_the_room() -> None:
    async with relaying() as (relay, _):
        stage, holder, stranger = Peer("stage"), Peer("holder"), Peer("stranger")
        shows = holder
        await relay.add_render(holder, hello())
        await relay.take_stage_text(stage, opening("one"))
        does_not = stranger
        await relay.add_render(stranger, hello())
        frame = wire.unpack_binary(wire.pack_binary(wire.Kind.MEDIA, {"room": "one"}, build_frame(0).pack()))
        await relay.take_render_binary(does_not, frame)
        assert relay.hub.room("one").state is State.OFF_AIR
        await relay.take_render_binary(shows, frame)
        assert relay.hub.room("one").state is State.LIVE


@in_virtual_time
async def test_lost_render_is_told_and_its_rooms_move_to_another() -> None:
    async with relaying() as (relay, _):
        stage, first, second = Peer("stage"), Peer("first"), Peer("second")
        lost = first
        await relay.add_render(first, hello())
        await relay.take_stage_text(stage, opening("one"))
        await relay.take_render_binary(
            lost, wire.unpack_binary(wire.pack_binary(wire.Kind.MEDIA, {"room": "one"}, build_frame(0).pack()))
        )
        await relay.take_render_text(lost, {"type": "playhead", "room": "one"})
        await relay.add_render(second, hello())
        await relay.drop_render(lost)
        assert stage.types()[-1] == "render.lost"
        assert relay.hub.room("one").state is State.HOLDING
        assert second.texts == [opening("one")]
        assert relay.playheads == {}
        await relay.take_render_text(lost, {"type": "report", "room": "one", "n": 1})
        assert stage.types()[-1] == "render.lost", "a dead render says no more"


@in_virtual_time
async def test_rooms_of_a_lost_render_wait_where_there_is_no_other() -> None:
    async with relaying() as (relay, _):
        stage, again = Peer("stage"), Peer("again")
        lost = Peer("first")
        await relay.add_render(lost, hello())
        await relay.take_stage_text(stage, opening("one"))
        await relay.drop_render(lost)
        await relay.add_render(again, hello())
        assert again.texts == [opening("one")]


@in_virtual_time
async def test_lost_stage_is_told_to_render_and_its_rooms_stay_on_air() -> None:
    async with relaying() as (relay, _):
        stage, other, render = Peer("stage"), Peer("other"), Peer("render")
        await relay.add_render(render, hello())
        await relay.take_stage_text(stage, opening("one"))
        await relay.take_stage_text(other, opening("two"))
        await relay.drop_stage(stage)
        assert render.types("one") == ["room.open", "stage.lost"]
        assert render.types("two") == ["room.open"]
        assert relay.routes["one"].render is not None


@in_virtual_time
async def test_rooms_that_appear_while_a_lost_stage_is_told_break_nothing() -> None:
    async with relaying() as (relay, _):
        stage, other, render = Peer("stage"), Peer("other"), Peer("render")
        lost = render
        await relay.add_render(render, hello(capacity=99))
        for number in range(5):
            await relay.take_stage_text(stage, opening(f"room{number}"))

        async def open_more() -> None:
            for number in range(5):
                await relay.take_stage_text(other, opening(f"more{number}"))

        await asyncio.gather(relay.drop_stage(stage), open_more())
        assert render.types().count("stage.lost") == 5
        joined = Peer("joined")
        await asyncio.gather(relay.drop_render(lost), relay.add_render(joined, hello(capacity=99)), open_more())
        assert len({text["room"] for text in joined.texts}) == 10


@in_virtual_time
async def test_after_a_restart_of_web_render_keeps_its_rooms() -> None:
    async with relaying() as (relay, _):
        stage, render = Peer("stage"), Peer("render")
        await relay.add_render(render, hello("one"))
        assert render.texts == []
        await relay.take_stage_text(stage, opening("one"))
        assert render.texts == [opening("one")]
        await asyncio.sleep(UNCLAIMED_CLOSES_AFTER_S + 1)
        assert render.types() == ["room.open"]


@in_virtual_time
async def test_after_a_restart_of_web_stage_may_come_first() -> None:
    async with relaying() as (relay, _):
        stage, render = Peer("stage"), Peer("render")
        await relay.take_stage_text(stage, opening("one"))
        await relay.add_render(render, hello("one"))
        assert render.texts == [opening("one")]


@in_virtual_time
async def test_room_that_no_stage_claims_is_closed() -> None:
    async with relaying() as (relay, _):
        render = Peer("render")
        await relay.add_render(render, hello("one"))
        await asyncio.sleep(UNCLAIMED_CLOSES_AFTER_S - 1)
        assert render.texts == []
        await asyncio.sleep(2)
        assert render.texts == [{"type": "room.close", "room": "one"}]
        assert "one" not in relay.routes


@in_virtual_time
async def test_room_that_two_renders_hold_stays_with_the_first() -> None:
    async with relaying() as (relay, _):
        stage, first, second = Peer("stage"), Peer("first"), Peer("second")
        await relay.add_render(first, hello())
        await relay.take_stage_text(stage, opening("one"))
        await relay.add_render(second, hello("one"))
        assert second.texts == [{"type": "room.close", "room": "one"}]


@in_virtual_time
async def test_closed_room_goes_off_air() -> None:
    async with relaying() as (relay, _):
        stage, render = Peer("stage"), Peer("render")
        shows = render
        await relay.add_render(render, hello())
        await relay.take_stage_text(stage, opening("one"))
        await relay.take_render_binary(
            shows, wire.unpack_binary(wire.pack_binary(wire.Kind.MEDIA, {"room": "one"}, build_frame(0).pack()))
        )
        await relay.take_stage_text(stage, {"type": "room.close", "room": "one"})
        assert render.types()[-1] == "room.close"
        assert relay.hub.room("one").state is State.OFF_AIR
        assert "one" not in relay.routes


@pytest.mark.parametrize("room", ["one", "nowhere"])
@in_virtual_time
async def test_what_the_hub_saw_goes_to_the_stage_of_the_room(room: str) -> None:
    async with relaying() as (relay, _):
        stage, other, render = Peer("stage"), Peer("other"), Peer("render")
        await relay.add_render(render, hello())
        await relay.take_stage_text(stage, opening("one"))
        await relay.take_stage_text(other, opening("two"))
        await relay.tell_stage(room, {"type": "displayed", "pts": 5})
        await relay.ask_keyframe(room)
        await settle()
        known = room == "one"
        assert ({"type": "displayed", "pts": 5, "room": "one"} in stage.texts) == known
        assert ("keyframe" in render.types("one")) == known
        assert other.types() == ["audience"]


@in_virtual_time
async def test_names_that_nobody_opened_make_no_route() -> None:
    async with relaying() as (relay, told):
        stage = Peer("stage")
        for kind in ("event", "room.close", "interrupt", "report.ack"):
            await relay.take_stage_text(stage, {"type": kind, "room": f"made up {kind}", "event": {}})
        await relay.take_stage_text(stage, {"type": "interrupt"})
        await relay.ask_keyframe("nobody")
        assert relay.routes == {}
        assert told == []
        await relay.take_stage_text(stage, opening("one"))
        await relay.take_stage_text(stage, {"type": "room.close", "room": "one"})
        assert relay.routes == {}


@in_virtual_time
async def test_room_that_render_holds_and_nobody_claims_leaves_no_route() -> None:
    async with relaying() as (relay, _):
        render = Peer("render")
        await relay.add_render(render, hello("forgotten"))
        assert list(relay.routes) == ["forgotten"]
        await asyncio.sleep(UNCLAIMED_CLOSES_AFTER_S + 1)
        assert relay.routes == {}
        assert render.types("forgotten") == ["room.close"]
