"""The media socket (docs/wire-protocol.md, section 3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from chat.address_limit import get_peer_address
from frontend.hub import MediaHub
from frontend.media_message import build_hello
from frontend.report_pace import ReportPace
from frontend.room_hub import RoomHub
from frontend.viewer_queue import ViewerClosed, ViewerQueue

ACK_EVERY = 12
MAX_REPORT_BYTES = 1024
MAX_PTS = 1 << 63
REPORTS_PER_S, REPORTS_BURST = 20.0, 60
BAD_MESSAGE, NO_SUCH_ROOM, TOO_MANY = 4400, 4404, 4429


class MediaConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One viewer: a task sends what its queue holds, and its reports go to the room's hub.

    Initkwargs: `hub`; `room_exists(slug)`, whether there is a public room of this name; `address_of(scope)`, whom the
    limit of sockets counts.
    """

    # A name that no layer has: media never crosses the layer, and a layer would cost every viewer a channel and a task.
    channel_layer_alias = "none"

    def __init__(
        self,
        *,
        hub: MediaHub,
        room_exists: Callable[[str], Awaitable[bool]],
        address_of: Callable[[Mapping[str, Any]], str] = get_peer_address,
    ) -> None:
        super().__init__()
        self._hub = hub
        self._room_exists = room_exists
        self._address_of = address_of
        self._pace = ReportPace(REPORTS_PER_S, REPORTS_BURST, hub.clock)
        self._address: str | None = None
        self._room: RoomHub | None = None
        self._viewer: ViewerQueue | None = None
        self._sender: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Here and not in `disconnect`, which a failed handler or a cancelled connection never reaches.
            self._release()

    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.receive":
            # Channels looks for stale database connections in a thread before each message; reports touch no database.
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        slug = self.scope["url_route"]["kwargs"]["slug"]
        # Accepted before it is turned away: browsers hide the code of a refused handshake.
        await self.accept()
        if not await self._room_exists(slug):
            await self.close(NO_SUCH_ROOM)
            return
        address = self._address_of(self.scope)
        if not self._hub.addresses.enter(address):
            await self.close(TOO_MANY)
            return
        self._address = address
        await self.send(build_hello(ACK_EVERY))
        self._room = self._hub.room(slug)
        self._viewer = self._room.subscribe()
        self._sender = asyncio.create_task(self._send_all(self._viewer), name=f"viewer-{slug}")

    def _release(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
        if self._room is not None and self._viewer is not None:
            self._room.unsubscribe(self._viewer)
        if self._address is not None:
            self._hub.addresses.leave(self._address)
            self._address = None

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._room is None or self._viewer is None or self._viewer.closed:
            return
        if not self._pace.take():
            await self._turn_away(TOO_MANY)
            return
        try:
            report = parse_report(text_data)
        except ValueError:
            await self._turn_away(BAD_MESSAGE)
            return
        if report is None:
            self._room.want_keyframe()
        else:
            self._room.acknowledge(self._viewer, *report)

    async def _turn_away(self, code: int) -> None:
        self._release()
        await self.close(code)

    async def _send_all(self, viewer: ViewerQueue) -> None:
        try:
            while True:
                message = await viewer.get()
                field = "text" if isinstance(message, str) else "bytes"
                await self.base_send({"type": "websocket.send", field: message})
        except ViewerClosed as closed:
            await self.close(closed.code)
        except OSError:
            # The page went away in the middle of a send; some servers say so here. Its `disconnect` follows.
            return


def parse_report(text: str | None) -> tuple[int, int] | None:
    """(seq, displayed) of an acknowledgement, or None for a wish for a key frame. Raises `ValueError` otherwise."""
    if text is None or len(text) > MAX_REPORT_BYTES:
        raise ValueError("reports are short text messages")
    try:
        report = json.loads(text)
    except RecursionError as error:
        raise ValueError("a report is flat") from error
    if not isinstance(report, dict):
        raise ValueError("a report is an object")
    if report.get("type") == "keyframe":
        return None
    seq, displayed = report.get("seq"), report.get("displayed")
    if report.get("type") != "ack" or type(seq) is not int or type(displayed) is not int:
        raise ValueError("neither an acknowledgement nor a wish for a key frame")
    if not (0 <= seq < 1 << 32 and 0 <= displayed < MAX_PTS):
        raise ValueError("numbers that no fragment has")
    return seq, displayed
