"""What the presenter says next: operator before viewers before idle lines."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from chat.models import Message, Room, Sentence, Turn

RANK = {Turn.Kind.OPERATOR: 3, Turn.Kind.BROADCAST: 2, Turn.Kind.VIEWER: 1, Turn.Kind.IDLE: 0}
MOST_ATTEMPTS = 3


def next_turn(room: Room) -> Turn | None:
    """The turn to run now, claimed, or None. A viewer's message becomes a turn here."""
    turn = Turn.objects.filter(room=room, state=Turn.State.QUEUED).exclude(kind=Turn.Kind.IDLE).order_by("id").first()
    if turn is not None:
        return claim(turn)
    message = Message.objects.filter(room=room, state=Message.State.WAITING).order_by("id").first()
    if message is None:
        return None
    with transaction.atomic():
        claimed = Message.objects.filter(pk=message.pk, state=Message.State.WAITING).update(
            state=Message.State.ANSWERING, attempts=message.attempts + 1
        )
        if not claimed:
            return None
        message.refresh_from_db()
        stamps = {"received": message.received_at.timestamp(), "accepted": message.created_at.timestamp()}
        return Turn.objects.create(
            room=room, kind=Turn.Kind.VIEWER, state=Turn.State.RUNNING, message=message, stamps=stamps
        )


def claim(turn: Turn) -> Turn | None:
    """Mark a queued turn as running; None where somebody else took it."""
    claimed = Turn.objects.filter(pk=turn.pk, state=Turn.State.QUEUED).update(state=Turn.State.RUNNING)
    if not claimed:
        return None
    turn.state = Turn.State.RUNNING
    return turn


def waiting_rank(room: Room) -> int:
    """The rank of the highest turn that waits, -1 where none does."""
    kinds = set(Turn.objects.filter(room=room, state=Turn.State.QUEUED).values_list("kind", flat=True))
    ranks = [RANK[Turn.Kind(kind)] for kind in kinds]
    if Message.objects.filter(room=room, state=Message.State.WAITING).exists():
        ranks.append(RANK[Turn.Kind.VIEWER])
    return max(ranks, default=-1)


def create_idle_turn(room: Room, text: str) -> Turn:
    """A line of the room's own, running at once."""
    return Turn.objects.create(
        room=room,
        kind=Turn.Kind.IDLE,
        state=Turn.State.RUNNING,
        text=text,
        stamps={"received": timezone.now().timestamp()},
    )


def end_turn(turn: Turn, state: Turn.State, *, stopped_by: str = "") -> Message | None:
    """Close a turn and give its message an end state, or put it back in the queue; returns the changed message.

    A message of which nothing was heard waits again, unless somebody stopped it or it was tried three times.
    """
    turn.state = state
    Turn.objects.filter(pk=turn.pk).update(state=state, ended_at=timezone.now())
    message = turn.message
    if message is None:
        return None
    if turn.heard:
        message.state = Message.State.ANSWERED
        message.reason = "interrupted" if state == Turn.State.INTERRUPTED else ""
    elif stopped_by == "operator":
        message.state, message.reason = Message.State.SHED, "interrupted"
    elif message.attempts >= MOST_ATTEMPTS:
        message.state, message.reason = Message.State.FAILED, "no_answer"
    else:
        message.state, message.reason = Message.State.WAITING, ""
    message.save(update_fields=["state", "reason"])
    return message


def list_unfinished(room: Room) -> list[tuple[Turn, list[Sentence]]]:
    """Turns that an earlier stage process was running, with their sentences, oldest first."""
    turns = Turn.objects.filter(room=room, state=Turn.State.RUNNING).select_related("message").order_by("id")
    return [(turn, list(turn.sentences.all())) for turn in turns]
