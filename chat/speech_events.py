"""Builders of what the pages of a room are told about speech (docs/wire-protocol.md, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from avatar_engine.types import Mark
from avatar_engine.wire import unpack_mark
from chat.models import Message, Sentence, Turn


def state(
    name: str, message: Message | None = None, *, epoch: int | None = None, pts: int | None = None
) -> dict[str, Any]:
    """What the presenter is doing; shown when the player reaches `pts`, at once without it."""
    question = {"name": message.display_name, "text": message.text} if message is not None else None
    return {
        "type": "state",
        "state": name,
        "message": message.pk if message is not None else None,
        "question": question,
        "epoch": epoch,
        "pts": pts,
    }


def speaking(turn: Turn, row: Sentence) -> dict[str, Any]:
    """The turn's first sound is on air."""
    return state("speaking", turn.message, epoch=row.epoch, pts=row.start_pts)


def reply(turn: Turn, row: Sentence, persona: str) -> dict[str, Any]:
    """A sentence for the chat log, to appear when it is heard."""
    return {
        "type": "reply",
        "turn": turn.pk,
        "sentence": row.pk,
        "text": row.text,
        "name": persona,
        "message": turn.message_id,
        "at": row.created_at.isoformat(),
        "epoch": row.epoch,
        "pts": row.start_pts,
    }


def caption(row: Sentence, marks: Sequence[Mark]) -> dict[str, Any]:
    """A sentence for the captions, with the times of its words."""
    return {
        "type": "caption",
        "sentence": row.pk,
        "turn": row.turn_id,
        "text": row.text,
        "words": [[m.text, round(m.start_ms), round(m.end_ms)] for m in marks if m.kind == "word"],
        "epoch": row.epoch,
        "pts": row.start_pts,
        "duration_ms": row.duration_ms,
    }


def under_way(rows: Sequence[Sentence], persona: str) -> list[dict[str, Any]]:
    """What a page has missed of the sentences that are being heard now; nothing where there are none.

    A sentence without a duration still waits for its marks, and every page gets its caption with them.
    """
    items = [speaking(rows[0].turn, rows[0])] if rows else []
    for row in rows:
        items.append(reply(row.turn, row, persona))
        if row.duration_ms:
            items.append(caption(row, [unpack_mark(mark) for mark in row.marks]))
    return items


def interrupted(row: Sentence, epoch: int, pts: int) -> dict[str, Any]:
    """A sentence was cut: from `pts` on it is not heard."""
    return {
        "type": "interrupted",
        "turn": row.turn_id,
        "sentence": row.pk,
        "heard": row.heard,
        "epoch": epoch,
        "pts": pts,
    }


def message_state(message: Message) -> dict[str, Any]:
    """What became of a viewer's message."""
    return {"type": "message.state", "id": message.pk, "state": message.state, "reason": message.reason}
