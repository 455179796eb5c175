"""Everything that is read for pages and sockets."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from chat.models import Message, Room, Sentence, Turn, Viewer
from chat.services import hash_token
from memory.store import Observation

HISTORY_ITEMS = 50


def list_rooms() -> QuerySet[Room]:
    """Rooms that the front page shows."""
    return Room.objects.filter(is_listed=True)


def get_room(slug: str) -> Room | None:
    """The room at `/r/<slug>/`, or None."""
    return Room.objects.filter(slug=slug).first()


def list_voice_entries() -> list[str | dict[str, Any]]:
    """The voices of all rooms, one room after the other."""
    lists = Room.objects.values_list("voices", flat=True)
    return [entry for voices in lists if isinstance(voices, list) for entry in voices]


def get_viewer(token: str) -> Viewer | None:
    """The viewer whose cookie holds `token`, or None."""
    return Viewer.objects.filter(token_hash=hash_token(token)).first() if token else None


def message_item(message: Message) -> dict[str, Any]:
    """A message as the chat socket shows it to everybody."""
    return {
        "type": "message",
        "id": message.pk,
        "viewer": str(message.viewer_id),
        "name": message.display_name,
        "text": message.text,
        "at": message.created_at.isoformat(),
        "state": message.state,
        "reason": message.reason,
    }


def list_history(room: Room) -> list[dict[str, Any]]:
    """The latest messages and heard sentences of a room, oldest first."""
    messages = list(Message.objects.filter(room=room).order_by("-id")[:HISTORY_ITEMS])
    sentences = list(
        Sentence.objects.filter(turn__room=room, state__in=[Sentence.State.HEARD, Sentence.State.CUT])
        .exclude(heard="")
        .select_related("turn")
        .order_by("-id")[:HISTORY_ITEMS]
    )
    dated = [(m.created_at, message_item(m)) for m in messages]
    dated += [
        (
            s.created_at,
            {
                "type": "reply",
                "turn": s.turn_id,
                "sentence": s.pk,
                "text": s.heard,
                "name": room.persona_name,
                "message": s.turn.message_id,
                "at": s.created_at.isoformat(),
            },
        )
        for s in sentences
    ]
    dated.sort(key=lambda pair: pair[0])
    return [item for _, item in dated[-HISTORY_ITEMS:]]


def list_now_heard(room: Room) -> list[Sentence]:
    """The sentences that are being heard now, in order, with their turn and its message."""
    return list(
        Sentence.objects.filter(
            turn__room=room, turn__state=Turn.State.RUNNING, state=Sentence.State.ON_AIR, start_pts__isnull=False
        )
        .select_related("turn__message")
        .order_by("id")
    )


def get_question(room: Room) -> tuple[int | None, dict[str, str] | None]:
    """The message that is being answered now: its id, and name and text; both None where there is none."""
    message = Message.objects.filter(room=room, state=Message.State.ANSWERING).order_by("-id").first()
    if message is None:
        return None, None
    return message.pk, {"name": message.display_name, "text": message.text}


def list_turns(room: Room, limit: int = 30) -> list[Turn]:
    """The latest turns of a room, newest first, with their messages."""
    return list(Turn.objects.filter(room=room).select_related("message").order_by("-id")[:limit])


def turn_detail(turn_id: int) -> Turn | None:
    """One turn with its message and sentences, or None."""
    return Turn.objects.filter(pk=turn_id).select_related("room", "message").prefetch_related("sentences").first()


def is_leased(room: Room) -> bool:
    """Whether a stage process runs this room now."""
    return room.lease_expires_at is not None and room.lease_expires_at > timezone.now()


def build_observation(message: Message) -> Observation:
    """A message as memory sees it."""
    return Observation(
        message_id=str(message.pk),
        room_id=str(message.room_id),
        viewer_id=str(message.viewer_id),
        speaker=message.display_name,
        text=message.text,
        at=message.created_at,
    )


def list_answered(room: Room) -> list[Turn]:
    """The latest ended answers of a room with their messages, oldest first."""
    turns = (
        Turn.objects.filter(room=room, kind=Turn.Kind.VIEWER, message__isnull=False, ended_at__isnull=False)
        .select_related("message")
        .order_by("-id")[:HISTORY_ITEMS]
    )
    return list(reversed(turns))
