"""The link between one stage and one render process, without web and without sockets."""

from __future__ import annotations

import asyncio
from typing import Any

from avatar_engine import wire
from avatar_engine.client import Presenter
from avatar_engine.lipsync.base import Capabilities
from tests.fakes.clock import settle
from tests.fakes.render import FakeRender


class RecordingLink:
    """Keeps what was sent and passes it to nobody."""

    def __init__(self) -> None:
        self.texts: list[dict[str, Any]] = []
        self.binaries: list[bytes] = []
        self.dropped = 0

    def send_text(self, message: dict[str, Any]) -> None:
        self.texts.append(wire.unpack_text(wire.pack_text(message)))

    def send_binary(self, frame: bytes) -> None:
        self.binaries.append(frame)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [text for text in self.texts if text["type"] == kind]

    def speech(self) -> list[wire.Speech]:
        return [wire.unpack_speech(wire.unpack_binary(data)) for data in self.binaries]


class FakeLink(RecordingLink):
    """Both directions, in order, each frame packed and unpacked as on the wire. It can be cut; render can die."""

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        super().__init__()
        self._capabilities = capabilities
        self._presenter: Presenter | None = None
        self._opening: dict[str, Any] | None = None
        self.up = True
        self.render: FakeRender | None = None
        self.deaf_to: set[str] = set()
        """Types of messages that get lost on their way to stage."""

    def attach(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def send_text(self, message: dict[str, Any]) -> None:
        super().send_text(message)
        if message["type"] == "room.open" and self.up:
            self._opening = self.texts[-1]
        if self.up:
            asyncio.get_running_loop().call_soon(self._to_render, self.texts[-1], self.render)

    def send_binary(self, frame: bytes) -> None:
        super().send_binary(frame)
        if self.up:
            asyncio.get_running_loop().call_soon(self._to_render, frame, self.render)

    def _to_render(self, frame: dict[str, Any] | bytes, render: FakeRender | None) -> None:
        if render is None or render is not self.render or not self.up:
            return
        if isinstance(frame, bytes):
            render.take_binary(frame)
        elif frame["type"] != "event":
            render.take_text(frame)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the pages of the room were told."""
        return [text["event"] for text in self.of_type("event")]

    def events_of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    # what happens to render and to web

    async def start_render(self) -> FakeRender:
        """A fresh render process, as web would give it the room that waits."""
        render = FakeRender(lambda message: self._to_stage(render, message), self._capabilities)
        self.render = render
        if self._opening is not None:
            render.take_text(self._opening)
        await settle()
        return render

    async def kill_render(self) -> None:
        """As kill -9: nothing more comes from it, and web says that it is lost."""
        render, self.render = self.render, None
        assert render is not None
        assert self._presenter is not None
        await render.close()
        self._presenter.take({"type": "render.lost", "room": self._presenter.room})
        await settle()

    async def cut(self) -> None:
        """Web goes away, for both sides."""
        assert self._presenter is not None
        self.up = False
        self._presenter.link_down()
        if self.render is not None:
            self.render.rooms.hold()
        await settle()

    async def restore(self, generation: int) -> None:
        """Web is back: stage asks for the room again, render still has it."""
        assert self._presenter is not None
        self.up = True
        if self.render is not None:
            self.render.rooms.go_on()
        self._presenter.open(generation)
        await settle()

    def lose_stage(self, presenter: Presenter) -> None:
        """The stage process died and another one, with `presenter`, takes its place."""
        if self.render is not None:
            for performer in self.render.rooms.performers.values():
                performer.truncate()
        self._presenter = presenter

    def _to_stage(self, render: FakeRender, message: dict[str, Any]) -> None:
        if self.up and render is self.render and message["type"] not in self.deaf_to:
            frame = wire.unpack_text(wire.pack_text(message))
            asyncio.get_running_loop().call_soon(self._take, render, frame)

    def _take(self, render: FakeRender, message: dict[str, Any]) -> None:
        if self.up and render is self.render and self._presenter is not None:
            self._presenter.take(message)
