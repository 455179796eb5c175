"""The socket that stage and render dial (docs/wire-protocol.md, section 1)."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer

from avatar_engine import wire
from avatar_engine.errors import WireError
from chat.events import STAGES_GROUP
from frontend.switchboard import NoDesk, Switchboard

log = logging.getLogger(__name__)

BAD_TOKEN, BAD_MESSAGE = 4401, 4400
DIAL_AGAIN = 4503


class LinkConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One process of ours. Anything without the token is turned away before a byte is read."""

    relay: Switchboard
    token: Callable[[], str]

    def __init__(self, *, relay: Switchboard, token: Callable[[], str]) -> None:
        super().__init__()
        self.relay = relay
        self.token = token
        self.name = "?"
        self.role = "?"
        self.greeted = False
        self.hung_up = False

    async def connect(self) -> None:
        if not self._is_ours():
            await self.close(code=BAD_TOKEN)
            return
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        self.role = query.get("role", ["?"])[0]
        self.name = query.get("name", ["?"])[0][:80]
        if self.role not in ("stage", "render"):
            await self.close(code=BAD_MESSAGE)
            return
        if self.role == "stage":
            await self.channel_layer.group_add(STAGES_GROUP, self.channel_name)
        await self.accept()

    def _is_ours(self) -> bool:
        headers = dict(self.scope["headers"])
        given = headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        return hmac.compare_digest(given, self.token().encode())

    async def disconnect(self, code: int) -> None:
        if self.role == "stage":
            await self.channel_layer.group_discard(STAGES_GROUP, self.channel_name)
            await self.relay.drop_stage(self)
        elif self.role == "render":
            await self.relay.drop_render(self)
        if self.greeted:
            log.info("%s %s left (%s)", self.role, self.name, code)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.hung_up:
            return
        try:
            if text_data is not None:
                await self._take_text(wire.unpack_text(text_data))
            elif bytes_data is not None and self.greeted:
                await self._take_binary(bytes_data)
        except (WireError, KeyError, TypeError, ValueError) as error:
            log.warning("a frame from %s %s was dropped: %s", self.role, self.name, error)

    async def _take_text(self, message: dict[str, Any]) -> None:
        if not self.greeted:
            await self._greet(message)
        elif self.role == "stage":
            await self.relay.take_stage_text(self, message)
        else:
            await self.relay.take_render_text(self, message)

    async def _greet(self, message: dict[str, Any]) -> None:
        if message["type"] != "hello" or message.get("version") != wire.VERSION:
            log.error("%s %s speaks another version of the link: %r", self.role, self.name, message.get("version"))
            await self.close(code=BAD_MESSAGE)
            return
        await self.send_text({"type": "welcome", "version": wire.VERSION})
        try:
            if self.role == "stage":
                await self.relay.add_stage(self)
            else:
                await self.relay.add_render(self, message)
        except NoDesk:
            log.warning("%s %s is sent away: no web process routes messages", self.role, self.name)
            await self.hang_up()
            return
        self.greeted = True
        log.info("%s %s joined", self.role, self.name)

    async def _take_binary(self, data: bytes) -> None:
        frame = wire.unpack_binary(data)
        if self.role == "stage":
            await self.relay.take_stage_binary(self, frame, data)
        else:
            await self.relay.take_render_binary(self, frame)

    async def send_text(self, message: dict[str, Any]) -> None:
        """Peer: one text frame."""
        await self.send(text_data=wire.pack_text(message))

    async def send_binary(self, data: bytes) -> None:
        """Peer: one binary frame."""
        await self.send(bytes_data=data)

    async def hang_up(self) -> None:
        """Peer: end the socket; the other end dials again."""
        self.hung_up = True
        await self.close(code=DIAL_AGAIN)

    async def nudge(self, event: dict[str, Any]) -> None:
        """Channel layer: a row of `room` changed."""
        await self.send_text({"type": "nudge", "room": event["room"]})
