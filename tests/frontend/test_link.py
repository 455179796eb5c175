"""The door for stage and render: the token first, then the version, then messages."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.layers import channel_layers, get_channel_layer
from channels.testing import WebsocketCommunicator

from avatar_engine import wire
from chat.services import nudge_stages
from frontend.hub import MediaHub
from frontend.link import BAD_MESSAGE, BAD_TOKEN, LinkConsumer
from frontend.relay import Relay
from tests.fakes.clock import in_virtual_time

pytestmark = pytest.mark.django_db(transaction=True)  # channels closes old connections when a socket ends
TOKEN = "the token"


@pytest.fixture(autouse=True)
def _fresh_layer():
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


class Link:
    """A web process with its relay; `dial` opens links to it."""

    def __init__(self) -> None:
        self.hub = MediaHub()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.relay = Relay(self.hub, self._event)
        self._app = LinkConsumer.as_asgi(relay=self.relay, token=lambda: TOKEN)

    async def _event(self, room: str, event: dict[str, Any]) -> None:
        self.events.append((room, event))

    def dial(self, role: str, token: str | None = TOKEN, name: str = "p") -> WebsocketCommunicator:
        headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
        return WebsocketCommunicator(self._app, f"/ws/link/?role={role}&name={name}", headers=headers)

    async def join(self, role: str, **hello: Any) -> WebsocketCommunicator:
        socket = self.dial(role)
        connected, _ = await socket.connect()
        assert connected
        await socket.send_json_to({"type": "hello", "name": role, "version": wire.VERSION, **hello})
        assert await socket.receive_json_from() == {"type": "welcome", "version": wire.VERSION}
        return socket


@asynccontextmanager
async def linked():
    link = Link()
    try:
        yield link
    finally:
        await link.relay.close()
        await link.hub.close()


RENDER = {"families": ["drawn"], "capacity": 1, "rooms": []}
OPEN = {"type": "room.open", "room": "one", "generation": 0, "spec": {"engine": "drawn"}}


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + " ", "the toke"])
@in_virtual_time
async def test_wrong_token_is_turned_away_before_a_byte_is_read(token: str | None) -> None:
    async with linked() as link:
        connected, code = await link.dial("render", token).connect()
        assert not connected
        assert code == BAD_TOKEN


@in_virtual_time
async def test_unknown_role_is_turned_away() -> None:
    async with linked() as link:
        assert await link.dial("viewer").connect() == (False, BAD_MESSAGE)


@pytest.mark.parametrize(
    "first", [{"type": "hello", "version": wire.VERSION + 1}, {"type": "hello"}, {"type": "room.open", "room": "x"}]
)
@in_virtual_time
async def test_who_does_not_greet_in_our_version_is_closed(first: dict[str, Any]) -> None:
    async with linked() as link:
        socket = link.dial("stage")
        await socket.connect()
        await socket.send_json_to(first)
        assert await socket.receive_output() == {"type": "websocket.close", "code": BAD_MESSAGE}
        assert link.relay.routes == {}


@in_virtual_time
async def test_speech_and_reports_pass_between_stage_and_render() -> None:
    async with linked() as link:
        render, stage = await link.join("render", **RENDER), await link.join("stage")
        await stage.send_json_to(OPEN)
        assert await render.receive_json_from() == OPEN
        assert (await stage.receive_json_from())["type"] == "audience"
        data = wire.pack_binary(wire.Kind.SPEECH, {"room": "one"}, b"sound")
        await stage.send_to(bytes_data=data)
        assert await render.receive_from() == data
        report = {"type": "report", "room": "one", "n": 1}
        await render.send_json_to(report)
        assert await stage.receive_json_from() == report
        await stage.send_json_to({"type": "event", "room": "one", "event": {"type": "state"}})
        assert await stage.receive_nothing()
        assert link.events == [("one", {"type": "state"})]
        await render.disconnect()
        assert await stage.receive_json_from() == {"type": "render.lost", "room": "one"}
        await stage.disconnect()
        assert link.relay.routes["one"].stage is None


@in_virtual_time
async def test_render_hears_that_stage_is_gone() -> None:
    async with linked() as link:
        render, stage = await link.join("render", **RENDER), await link.join("stage")
        await stage.send_json_to(OPEN)
        await render.receive_json_from()
        await stage.disconnect()
        assert await render.receive_json_from() == {"type": "stage.lost", "room": "one"}
        await render.disconnect()


@in_virtual_time
async def test_bad_frames_are_dropped_and_the_link_stays() -> None:
    async with linked() as link:
        render, stage = await link.join("render", **RENDER), await link.join("stage")
        await stage.send_json_to(OPEN)
        await render.receive_json_from()
        await stage.receive_json_from()
        bad_media = wire.pack_binary(wire.Kind.MEDIA, {"room": "one"}, b"no envelope")
        for text in ("not json", "[]", "[" * 50_000, json.dumps({"type": "interrupted", "room": "one"})):
            await render.send_to(text_data=text)
        for data in (b"F", b"FL", bad_media):
            await render.send_to(bytes_data=data)
        await stage.send_json_to({"type": "event", "room": "one"})
        report = {"type": "report", "room": "one", "n": 1}
        await render.send_json_to(report)
        assert await stage.receive_json_from() == report
        await render.disconnect()
        await stage.disconnect()


@in_virtual_time
async def test_nothing_is_taken_before_the_greeting() -> None:
    async with linked() as link:
        socket = link.dial("stage")
        await socket.connect()
        await socket.send_to(bytes_data=wire.pack_binary(wire.Kind.SPEECH, {"room": "one"}, b""))
        assert await socket.receive_nothing()
        assert link.relay.routes == {}
        await socket.disconnect()


@in_virtual_time
async def test_nudge_reaches_every_stage_and_no_render() -> None:
    async with linked() as link:
        render, stage = await link.join("render", **RENDER), await link.join("stage")
        assert get_channel_layer() is not None
        await nudge_stages("one")
        assert await stage.receive_json_from() == {"type": "nudge", "room": "one"}
        assert await render.receive_nothing()
        await render.disconnect()
        await stage.disconnect()
