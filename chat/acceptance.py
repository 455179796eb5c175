"""Checked messages become rows: many of them in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from chat.models import Message, Room, Viewer
from chat.moderation import Refusal

MAX_WAITING_PER_VIEWER = 3


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A message that is not a row yet. With a `refusal` it is only looked up: a repeat is never refused."""

    room: Room
    viewer: Viewer
    display_name: str
    client_id: str
    text: str
    received_at: datetime
    refusal: Refusal | None = None

    @property
    def key(self) -> tuple[int, object, str]:
        """What makes it the same message as another one."""
        return (self.room.pk, self.viewer.pk, self.client_id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The row of a draft and whether it is new, or why there is none."""

    message: Message | None = None
    is_new: bool = False
    refusal: Refusal | None = None


@dataclass(slots=True)
class Accepted:
    """`outcomes` in the order of the drafts; `shed` by room id: rows that will not be answered any more."""

    outcomes: list[Outcome] = field(default_factory=list)
    shed: dict[int, list[Message]] = field(default_factory=dict)


def accept_drafts(drafts: Sequence[Draft]) -> Accepted:
    """Save what is new and may be said now.

    Past three waiting messages of one viewer, or `room.max_waiting` in a room, the oldest go. What goes is marked
    `shed` with its reason, never forgotten. A draft that cannot be saved does not keep the others out.
    """
    try:
        with transaction.atomic():
            return _accept_together(drafts)
    except IntegrityError:
        if len(drafts) == 1:
            return Accepted([_look_again(drafts[0])])
        accepted = Accepted()
        for part in (accept_drafts([draft]) for draft in drafts):
            accepted.outcomes += part.outcomes
            for room_id, shed in part.shed.items():
                accepted.shed.setdefault(room_id, []).extend(shed)
        return accepted


def accept_message(
    room: Room, viewer: Viewer, display_name: str, client_id: str, text: str, received_at: datetime
) -> tuple[Message, list[Message], bool]:
    """One message, on air or not: its row, what was shed for it, and whether it is new."""
    draft = Draft(room, viewer, display_name, client_id, text, received_at)
    try:
        with transaction.atomic():
            message = _build_row(draft)
            message.save(force_insert=True)
            return message, shed_waiting(room), True
    except IntegrityError:
        return Message.objects.get(room=room, viewer=viewer, client_id=client_id), [], False


def _accept_together(drafts: Sequence[Draft]) -> Accepted:
    rooms = Room.objects.only("is_on_air", "max_waiting").in_bulk({draft.room.pk for draft in drafts})
    known = _find_known(drafts)
    new: dict[tuple[int, object, str], Message] = {}
    outcomes: list[Outcome] = []
    for draft in drafts:
        room = rooms.get(draft.room.pk)
        same = known.get(draft.key) or new.get(draft.key)
        if same is not None:
            outcomes.append(Outcome(same))
        elif draft.refusal is not None or room is None or not room.is_on_air:
            outcomes.append(Outcome(refusal=draft.refusal or Refusal("off_air")))
        else:
            new[draft.key] = message = _build_row(draft)
            outcomes.append(Outcome(message, is_new=True))
    Message.objects.bulk_create(new.values())
    shed = {pk: shed_waiting(rooms[pk], list(new.values())) for pk in {message.room_id for message in new.values()}}
    return Accepted(outcomes, shed)


def _find_known(drafts: Sequence[Draft]) -> dict[tuple[int, object, str], Message]:
    rows = Message.objects.filter(
        room__in={draft.room.pk for draft in drafts},
        viewer__in={draft.viewer.pk for draft in drafts},
        client_id__in={draft.client_id for draft in drafts},
    )
    return {(row.room_id, row.viewer_id, row.client_id): row for row in rows}


def _look_again(draft: Draft) -> Outcome:
    """Another process saved the same message first, or the viewer does not exist any more."""
    known = _find_known([draft]).get(draft.key)
    return Outcome(known) if known is not None else Outcome(refusal=Refusal("not_saved"))


def _build_row(draft: Draft) -> Message:
    return Message(
        room_id=draft.room.pk,
        viewer_id=draft.viewer.pk,
        display_name=draft.display_name,
        client_id=draft.client_id,
        text=draft.text,
        received_at=draft.received_at,
    )


def shed_waiting(room: Room, fresh: Sequence[Message] = ()) -> list[Message]:
    """Let the oldest of too many waiting messages go; returns them. Those that are `fresh` too are the same objects."""
    own = {message.pk: message for message in fresh}
    rows = Message.objects.filter(room=room, state=Message.State.WAITING).order_by("-id")
    waiting = [own.get(row.pk, row) for row in list(rows)]
    per_viewer: Counter[object] = Counter()
    kept: list[Message] = []
    own_older: list[Message] = []
    too_many: list[Message] = []
    for message in waiting:  # the newest first
        per_viewer[message.viewer_id] += 1
        if per_viewer[message.viewer_id] > MAX_WAITING_PER_VIEWER:
            own_older.append(message)
        elif len(kept) >= room.max_waiting:
            too_many.append(message)
        else:
            kept.append(message)
    return _mark_shed(own_older[::-1], reason="newer_message") + _mark_shed(too_many[::-1], reason="busy")


def _mark_shed(messages: list[Message], reason: str) -> list[Message]:
    """Those of `messages` that were not taken by a stage process in the meantime, marked."""
    if not messages:
        return []
    pks = [message.pk for message in messages]
    waiting = Message.objects.filter(pk__in=pks, state=Message.State.WAITING)
    if waiting.update(state=Message.State.SHED, reason=reason) < len(pks):
        pks = list(Message.objects.filter(pk__in=pks, state=Message.State.SHED).values_list("pk", flat=True))
    gone = [message for message in messages if message.pk in set(pks)]
    for message in gone:
        message.state, message.reason = Message.State.SHED, reason
    return gone
