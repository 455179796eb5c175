"""Chat sockets of one web process, with time that passes only when everybody waits."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.urls import path

from chat import services
from chat.consumers import VIEWER_COOKIE, ChatConsumer
from chat.hub import ChatHub
from chat.models import Viewer
from chat.moderation import RateRule
from tests.chat.stage_kit import build_room
from tests.fakes.clock import virtual_loop

LIMITS = {"viewer_pace": RateRule(3, 2, 10), "address_pace": RateRule(1000, 2, 5)}


class Page:
    """One open page."""

    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket
        self.welcome: dict[str, Any] = {}
        self.unpacked: list[dict[str, Any]] = []
        self.frames = 0

    async def hello(self, **fields: Any) -> dict[str, Any]:
        await self.send(type="hello", language="en", **fields)
        self.welcome = await self.get("welcome")
        return self.welcome

    async def send(self, **event: Any) -> None:
        await self.socket.send_to(text_data=json.dumps(event))

    async def say(self, text: str, client_id: str = "c1") -> None:
        await self.send(type="message", client_id=client_id, text=text)

    async def get(self, kind: str) -> dict[str, Any]:
        """The next event of this kind; those before it are passed over."""
        while True:
            event = await self.next()
            if event["type"] == kind:
                return event

    async def next(self) -> dict[str, Any]:
        """The next event, out of its batch."""
        if not self.unpacked:
            frame = await self.socket.receive_json_from()
            self.frames += 1
            self.unpacked = frame["items"] if frame["type"] == "batch" else [frame]
        return self.unpacked.pop(0)

    async def rest(self) -> list[dict[str, Any]]:
        """What comes within half a second."""
        await asyncio.sleep(0.5)
        events = []
        while self.unpacked or not self.socket.output_queue.empty():
            events.append(await self.next())
        return events


class Site:
    """One web process's chat sockets."""

    def __init__(self, limits: dict[str, RateRule]) -> None:
        self.told: list[tuple[str, int]] = []
        self.hub = ChatHub(self._tell, clock=virtual_loop().time, **limits)
        consumer = ChatConsumer.as_asgi(hub=self.hub)
        self._app = URLRouter([path("ws/rooms/<slug:slug>/chat/", consumer)])
        self._pages: list[Page] = []

    async def _tell(self, room: str, count: int) -> None:
        self.told.append((room, count))

    def dial(self, slug: str = "room", cookie: str = "", address: str = "10.0.0.1") -> WebsocketCommunicator:
        headers = [(b"cookie", f"a=b; {VIEWER_COOKIE}={cookie}".encode())] if cookie else []
        socket = WebsocketCommunicator(self._app, f"/ws/rooms/{slug}/chat/", headers=headers)
        socket.scope["client"] = [address, 5000]
        return socket

    async def open(self, *args: Any, **kwargs: Any) -> Page:
        socket = self.dial(*args, **kwargs)
        connected, _ = await socket.connect()
        assert connected
        self._pages.append(Page(socket))
        return self._pages[-1]

    async def close(self) -> None:
        for page in self._pages:
            await page.socket.disconnect()
        await self.hub.close()


@asynccontextmanager
async def site(limits: dict[str, RateRule] | None = None, **fields: Any):
    await sync_to_async(build_room)(**fields)
    made = Site(limits or LIMITS)
    try:
        yield made
    finally:
        await made.close()


def build_viewer(name: str = "Leo") -> tuple[Viewer, str]:
    return services.create_viewer(name)
