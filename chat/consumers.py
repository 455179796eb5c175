"""The chat socket of a page: what a viewer says comes in here, what the room says goes out."""

from __future__ import annotations

import json
import logging
import time
from http.cookies import CookieError, SimpleCookie
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from chat import selectors, services
from chat.audience import Audience
from chat.events import BadEvent, PageEvent, parse_event, room_group
from chat.models import Room, Viewer
from chat.moderation import RateLimiter, RateRule, Refusal, check_text

log = logging.getLogger(__name__)

VIEWER_COOKIE = "footlight_viewer"
NO_SUCH_ROOM, TOO_MANY, BAD_MESSAGES = 4404, 4429, 4400
BAD_EVENTS_CLOSE = 10
EVENT_PACE = RateRule(count=20, window_s=2.0, pause_s=2.0)
"""For frames of all kinds of one socket; messages have a pace of their own."""


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One page in one room. The viewer is who the cookie says; a display name proves nothing."""

    def __init__(self, *, audience: Audience, pace: RateLimiter, address_pace: RateLimiter) -> None:
        super().__init__()
        self.audience = audience
        self.pace = pace
        self.address_pace = address_pace
        self.room: Room | None = None
        self.viewer: Viewer | None = None
        self.joined = False
        self.bad_events = 0
        self.event_pace = RateLimiter(EVENT_PACE, time.monotonic, most_keys=1)
        self.address = "?"

    async def connect(self) -> None:
        self.address = str((self.scope.get("client") or ["?"])[0])
        slug = self.scope["url_route"]["kwargs"]["slug"]
        self.room = await database_sync_to_async(selectors.get_room)(slug)
        await self.accept()
        if self.room is None:
            await self.close(code=NO_SUCH_ROOM)
            return
        if not self.audience.join(slug, self.address):
            await self.close(code=TOO_MANY)
            return
        self.joined = True
        await self.channel_layer.group_add(room_group(slug), self.channel_name)

    async def disconnect(self, code: int) -> None:
        if self.joined and self.room is not None:
            self.audience.leave(self.room.slug, self.address)
            await self.channel_layer.group_discard(room_group(self.room.slug), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.room is None or not self.joined:
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
        await self._send({"type": "error", "reason": reason})
        if self.bad_events >= BAD_EVENTS_CLOSE:
            await self.close(code=BAD_MESSAGES)

    async def _greet(self, room: Room, event: PageEvent) -> None:
        if self.viewer is None:
            self.viewer = await database_sync_to_async(self._find_viewer)(event)
        welcome = await database_sync_to_async(self._build_welcome)(room, self.viewer)
        await self._send(welcome)

    def _find_viewer(self, event: PageEvent) -> Viewer:
        viewer = selectors.get_viewer(_read_cookie(self.scope.get("headers", [])))
        if viewer is None:
            viewer, _ = services.create_viewer(event.name, event.language)
        elif event.name and event.name != viewer.display_name:
            services.rename_viewer(viewer, event.name)
        return viewer

    def _build_welcome(self, room: Room, viewer: Viewer) -> dict[str, Any]:
        room.refresh_from_db()
        message, question = selectors.get_question(room)
        state = "off_air" if not room.is_on_air else "thinking" if question else "idle"
        return {
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
            "viewers": self.audience.count(room.slug),
        }

    async def _rename(self, event: PageEvent) -> None:
        if self.viewer is not None:
            await database_sync_to_async(services.rename_viewer)(self.viewer, event.name)
            await self._send({"type": "renamed", "name": self.viewer.display_name})

    async def _take_message(self, room: Room, event: PageEvent) -> None:
        received_at = timezone.now()
        if self.viewer is None:
            await self._refuse_event("hello_first")
            return
        known = await database_sync_to_async(selectors.find_message)(room, self.viewer, event.client_id)
        refusal = await self._check(room, event) if known is None else None
        if refusal is not None:
            detail = {"retry_s": round(refusal.retry_s, 1)} if refusal.retry_s else {}
            rejected = {"type": "rejected", "client_id": event.client_id, "reason": refusal.reason, "detail": detail}
            await self._send(rejected)
            return
        message, shed, is_new = (
            (known, [], False)
            if known is not None
            else await database_sync_to_async(services.accept_message)(
                room, self.viewer, self.viewer.display_name, event.client_id, event.text, received_at
            )
        )
        await self._send({"type": "accepted", "client_id": event.client_id, "id": message.pk})
        if not is_new:
            item = {"type": "message.state", "id": message.pk, "state": message.state, "reason": message.reason}
            await self._send(item)
            return
        await services.nudge_stages(room.slug)
        await self._broadcast(room, selectors.message_item(message))
        for gone in shed:
            item = {"type": "message.state", "id": gone.pk, "state": gone.state, "reason": gone.reason}
            await self._broadcast(room, item)

    async def _check(self, room: Room, event: PageEvent) -> Refusal | None:
        refusal = check_text(event.text)
        if refusal is None:
            refusal = self.pace.check(str(self.viewer.pk if self.viewer else "")) or self.address_pace.check(
                self.address
            )
        if refusal is None:
            await database_sync_to_async(room.refresh_from_db)(fields=["is_on_air"])
            if not room.is_on_air:
                refusal = Refusal("off_air")
        return refusal

    async def _broadcast(self, room: Room, item: dict[str, Any]) -> None:
        await self.channel_layer.group_send(room_group(room.slug), {"type": "room.event", "item": item})

    async def room_event(self, event: dict[str, Any]) -> None:
        """Channel layer: something for every page of the room."""
        await self._send(event["item"])

    async def _send(self, item: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(item, ensure_ascii=False, separators=(",", ":")))


def _read_cookie(headers: list[tuple[bytes, bytes]]) -> str:
    """The viewer token among the headers of the handshake, or an empty string."""
    try:
        cookies = SimpleCookie(dict(headers).get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    morsel = cookies.get(VIEWER_COOKIE)
    return morsel.value if morsel is not None else ""
