"""The chat socket of a page: what a viewer says comes in here, what the room says goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from chat import selectors, services, speech_events
from chat.acceptance import Draft
from chat.address_limit import get_peer_address
from chat.events import MAX_FRAME_BYTES, BadEvent, PageEvent, parse_event
from chat.hub import ChatHub
from chat.models import Room, Viewer
from chat.moderation import RateLimiter, RateRule, check_text
from chat.page_queue import PageQueue, build_frame

VIEWER_COOKIE = "footlight_viewer"
BAD_MESSAGES, NO_SUCH_ROOM, TOO_SLOW, TOO_MANY = 4400, 4404, 4408, 4429
BAD_EVENTS_CLOSE = 10
FAR_TOO_LARGE = 4 * MAX_FRAME_BYTES
"""Characters; no page of ours comes near, so the socket is closed before the next one."""
HELLO_WITHIN_S = 10.0
EVENT_PACE = RateRule(count=20, window_s=2.0, pause_s=2.0)
"""For frames of all kinds of one socket; messages have a pace of their own."""
GREETING_PACE = RateRule(count=5, window_s=20.0, pause_s=10.0)
"""For hello and rename of one socket: each of them asks the database."""


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One page in one room. The viewer is who the cookie says; a display name proves nothing.

    Initkwargs: `hub`; `address_of(scope)`, whom the limits by address count.
    """

    # A name that no layer has: the hub listens to the layer once for all pages of a room.
    channel_layer_alias = "none"

    def __init__(self, *, hub: ChatHub, address_of: Callable[[Mapping[str, Any]], str] = get_peer_address) -> None:
        super().__init__()
        self.hub = hub
        self.room: Room | None = None
        self.viewer: Viewer | None = None
        self.bad_events = 0
        self.page = PageQueue()
        self.event_pace = RateLimiter(EVENT_PACE, hub.clock, most_keys=1)
        self.greeting_pace = RateLimiter(GREETING_PACE, hub.clock, most_keys=1)
        self._address_of = address_of
        self._address: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Here and not in `disconnect`, which a failed handler or a cancelled connection never reaches.
            self._release()

    async def dispatch(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.receive":
            # Channels looks for stale database connections in a thread before each message; few of ours need one.
            await self.websocket_receive(message)
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        # Accepted before it is turned away: browsers hide the code of a refused handshake.
        await self.accept()
        address = self._address_of(self.scope)
        if not self.hub.addresses.enter(address):
            await self.close(code=TOO_MANY)
            return
        self._address = address
        room = await database_sync_to_async(selectors.get_room)(self.scope["url_route"]["kwargs"]["slug"])
        if room is None:
            self._release()
            await self.close(code=NO_SUCH_ROOM)
            return
        self.room = room
        self.hub.audience.join(room.slug)
        self._tasks = [
            asyncio.create_task(self._send_all(), name=f"page-{room.slug}"),
            asyncio.create_task(self._give_up_slow(), name=f"patience-{room.slug}"),
        ]

    def _release(self) -> None:
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._tasks.clear()
        if self.room is not None:
            self.hub.unsubscribe(self.room.slug, self.page)
            self.hub.audience.leave(self.room.slug)
            self.room = None
        if self._address is not None:
            self.hub.addresses.leave(self._address)
            self._address = None

    async def _turn_away(self, code: int) -> None:
        self._release()
        await self.close(code=code)

    async def _send_all(self) -> None:
        try:
            while True:
                frame = await self.page.get()
                if isinstance(frame, int):
                    await self._turn_away(frame)
                    return
                await self.base_send({"type": "websocket.send", "text": frame})
        except OSError:
            # The page went away in the middle of a send; some servers say so here. Its `disconnect` follows.
            return

    async def _give_up_slow(self) -> None:
        """Close a socket that never says hello, and later one whose page does not take what it is sent."""
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                await self.page.greeted.wait()
        except TimeoutError:
            await self._turn_away(TOO_SLOW)
            return
        await self.page.overflowed.wait()
        await self._turn_away(TOO_SLOW)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.room is None or self.page.ended:
            return
        if text_data is not None and len(text_data) > FAR_TOO_LARGE:
            await self._turn_away(BAD_MESSAGES)
            return
        try:
            if text_data is None:
                raise BadEvent("binary")
            if self.event_pace.check("") is not None:
                raise BadEvent("too_many_events")
            event = parse_event(text_data)
        except BadEvent as error:
            await self._refuse_event(error.reason)
            return
        if event.type == "message":
            await self._take_message(self.room, event)
        elif event.type == "hello":
            await self._greet(self.room, event)
        elif event.type == "rename":
            await self._rename(event)

    async def _refuse_event(self, reason: str) -> None:
        self.bad_events += 1
        self._send({"type": "error", "reason": reason})
        if self.bad_events >= BAD_EVENTS_CLOSE:
            self.page.end(BAD_MESSAGES)

    async def _greet(self, room: Room, event: PageEvent) -> None:
        if self.greeting_pace.check("") is not None or self.hub.hello_pace.check(self._address or "") is not None:
            await self._turn_away(TOO_MANY)
            return
        await self.hub.subscribe(room.slug, self.page)
        items = await database_sync_to_async(self._welcome)(room, event)
        self.page.greet([build_frame(item) for item in items])

    def _welcome(self, room: Room, event: PageEvent) -> list[dict[str, Any]]:
        if self.viewer is None:
            self.viewer = self._find_viewer(event)
        return self._build_greeting(room, self.viewer)

    def _find_viewer(self, event: PageEvent) -> Viewer:
        token = _read_cookie(self.scope.get("headers", []))
        viewer = selectors.get_viewer(token)
        if viewer is None:
            viewer, _ = services.create_viewer(event.name, event.language, token)
        elif event.name and event.name != viewer.display_name:
            services.rename_viewer(viewer, event.name)
        return viewer

    def _build_greeting(self, room: Room, viewer: Viewer) -> list[dict[str, Any]]:
        """The welcome, then what is being said now: whoever comes in the middle of a sentence is told of it too."""
        room.refresh_from_db()
        message, question = selectors.get_question(room)
        state = "off_air" if not room.is_on_air else "thinking" if question else "idle"
        now_heard = selectors.list_now_heard(room) if room.is_on_air else []
        welcome = {
            "type": "welcome",
            "viewer": {"id": str(viewer.pk), "name": viewer.display_name},
            "room": {
                "slug": room.slug,
                "name": room.title,
                "persona": room.persona_name,
                "on_air": room.is_on_air,
                "disclosure": room.disclosure,
            },
            "history": selectors.list_history(room),
            "state": {"type": "state", "state": state, "message": message, "question": question},
            "viewers": self.hub.audience.count(room.slug),
        }
        return [welcome, *speech_events.under_way(now_heard, room.persona_name)]

    async def _rename(self, event: PageEvent) -> None:
        if self.viewer is None:
            return
        if self.greeting_pace.check("") is not None:
            await self._refuse_event("too_many_events")
            return
        await database_sync_to_async(services.rename_viewer)(self.viewer, event.name)
        self._send({"type": "renamed", "name": self.viewer.display_name})

    async def _take_message(self, room: Room, event: PageEvent) -> None:
        if self.viewer is None:
            await self._refuse_event("hello_first")
            return
        refusal = (
            check_text(event.text)
            or self.hub.viewer_pace.check(str(self.viewer.pk))
            or self.hub.address_pace.check(self._address or "")
        )
        outcome = await self.hub.intake.submit(
            Draft(room, self.viewer, self.viewer.display_name, event.client_id, event.text, timezone.now(), refusal)
        )
        if outcome.message is None:
            refused = outcome.refusal
            assert refused is not None
            detail = {"retry_s": round(refused.retry_s, 1)} if refused.retry_s else {}
            self._send({"type": "rejected", "client_id": event.client_id, "reason": refused.reason, "detail": detail})
            return
        message = outcome.message
        self._send({"type": "accepted", "client_id": event.client_id, "id": message.pk})
        if not outcome.is_new:
            state = {"type": "message.state", "id": message.pk, "state": message.state, "reason": message.reason}
            self._send(state)

    def _send(self, item: dict[str, Any]) -> None:
        self.page.put(build_frame(item))


def _read_cookie(headers: list[tuple[bytes, bytes]]) -> str:
    """The viewer token among the headers of the handshake, or an empty string."""
    try:
        cookies = SimpleCookie(dict(headers).get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    morsel = cookies.get(VIEWER_COOKIE)
    return morsel.value if morsel is not None else ""
