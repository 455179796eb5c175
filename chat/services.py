"""Everything that changes chat rows on behalf of a person. Views and sockets call these and nothing else."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Any

from channels.layers import get_channel_layer
from django.core.exceptions import ValidationError
from django.db.models import F
from django.utils import timezone

from chat import air_override
from chat.events import MAX_NAME, STAGES_GROUP
from chat.models import Message, Room, Turn, Viewer
from chat.room_check import find_faults

DEMO_SLUG = "mira"
VIEWER_TOKEN = re.compile(r"[\w-]{32}", re.ASCII)
MAX_OPERATOR_LINE = 2000


class ServiceError(ValueError):
    """A request that cannot be carried out. `reason` is a code from the strings files."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def hash_token(token: str) -> str:
    """What is stored of a viewer's cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_viewer_token() -> str:
    """A cookie token for a browser that has none. Its viewer is a row only when the page says hello."""
    return secrets.token_urlsafe(24)


def create_viewer(display_name: str = "", language: str = "", token: str = "") -> tuple[Viewer, str]:
    """A new viewer and the cookie token that proves to be them. Only the hash of the token is kept.

    `token` is what the browser brought; one that is not of our length is replaced, and nobody holds the new one.
    """
    token = token if VIEWER_TOKEN.fullmatch(token) else new_viewer_token()
    viewer = Viewer.objects.create(
        token_hash=hash_token(token), display_name=display_name[:MAX_NAME], language=language[:8]
    )
    return viewer, token


def rename_viewer(viewer: Viewer, name: str) -> None:
    """Give `viewer` another display name; an empty one makes them a guest again."""
    viewer.display_name = name[:MAX_NAME]
    viewer.last_seen_at = timezone.now()
    viewer.save(update_fields=["display_name", "last_seen_at"])


def say_now(room: Room, text: str) -> Turn:
    """Queue a line of the operator; it goes before every viewer and interrupts what they are being told.

    Raises ServiceError off air: "now" would be the start of the next show.
    """
    if not room.is_on_air:
        raise ServiceError("off_air")
    line = text.strip()
    if not line:
        raise ServiceError("empty")
    if len(line) > MAX_OPERATOR_LINE:
        raise ServiceError("too_long")
    return Turn.objects.create(
        room=room, kind=Turn.Kind.OPERATOR, text=line, stamps={"received": timezone.now().timestamp()}
    )


def interrupt(room: Room) -> int:
    """Stop what is being said, at every step between model and player; returns the new generation."""
    Room.objects.filter(pk=room.pk).update(generation=F("generation") + 1)
    room.refresh_from_db(fields=["generation"])
    return room.generation


def start_room(room: Room, operator: str = "", override: str = "") -> None:
    """Put `room` on air. Raises ServiceError where its avatar has not passed its test and nobody has signed for it.

    `override` is why `operator` lets it on air nevertheless; it is kept.
    """
    gate = air_override.read_gate(room)
    if not gate.passes and air_override.find_override(room, gate) is None:
        if not (operator and override.strip()):
            raise ServiceError("avatar_gate")
        air_override.sign_override(room, gate, operator, override.strip())
    Room.objects.filter(pk=room.pk).update(is_on_air=True)
    room.is_on_air = True


def stop_room(room: Room) -> None:
    """Take `room` off air. Messages that wait stay, marked as not answered; lines that wait are not kept for later."""
    Room.objects.filter(pk=room.pk).update(is_on_air=False, generation=F("generation") + 1)
    Message.objects.filter(room=room, state=Message.State.WAITING).update(state=Message.State.SHED, reason="off_air")
    waiting = Turn.objects.filter(room=room, state=Turn.State.QUEUED)
    waiting.update(state=Turn.State.INTERRUPTED, ended_at=timezone.now())
    room.is_on_air = False


def create_room(**fields: Any) -> Room:
    """A new room, checked as its form would be. Raises django.core.exceptions.ValidationError."""
    room = Room(**fields)
    room.full_clean()
    _check_columns(fields)
    room.save()
    return room


def change_room(room: Room, **fields: Any) -> None:
    """Change what an operator may edit of `room`; columns that a stage writes meanwhile stay as they are.

    Raises django.core.exceptions.ValidationError.
    """
    for name, value in fields.items():
        setattr(room, name, value)
    room.full_clean()
    _check_columns(fields)
    room.save(update_fields=list(fields))


def _check_columns(fields: Mapping[str, Any]) -> None:
    faults = find_faults(fields)
    if faults:
        raise ValidationError(faults)


def ensure_demo_room() -> tuple[Room, bool]:
    """The room that `make live` starts with, on air, where there is no room at all yet."""
    if Room.objects.exists():
        return Room.objects.order_by("pk")[0], False
    room = create_room(
        slug=DEMO_SLUG,
        title="Mira, live",
        description="Ask her anything: she answers out loud, and everyone here sees and hears the same.",
        is_on_air=True,
        persona_name="Mira",
        greeting="Hello and welcome! I am Mira, your AI presenter. Write to me in the chat.",
        disclosure="Mira is an AI presenter. Her face and voice are computed, and her answers can be wrong.",
        idle_lines=[
            "It is quiet for a moment, so ask me anything you like.",
            "If you have just joined: I read the chat and answer out loud.",
            "Tell me where you are watching from, I would love to know.",
        ],
    )
    return room, True


async def nudge_stages(slug: str) -> None:
    """Tell the stage processes to look at this room's rows now; without it they look within a second."""
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(STAGES_GROUP, {"type": "nudge", "room": slug})
