"""The contract of memory, and the scope without which nothing is recalled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RecallScope:
    """Whose memories may be looked at. Built only from the authenticated room and viewer; there is no "all"."""

    room_id: str
    viewer_id: str | None


@dataclass(frozen=True, slots=True)
class Observation:
    """One accepted message, as memory sees it."""

    message_id: str
    room_id: str
    viewer_id: str | None
    speaker: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer with the words that were heard of it."""

    turn_id: str
    room_id: str
    viewer_id: str | None
    heard: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recollection:
    """One remembered line. `speaker` is "viewer" or "presenter"; `name` is for display only."""

    text: str
    speaker: str
    name: str
    at: datetime
    own: bool
    """True where it belongs to the asking viewer, False where it is the room's."""


class MemoryStore(Protocol):
    """Remembers, recalls, forgets. `recall` never raises into a turn: on failure it returns an empty list."""

    async def observe(self, message: Observation) -> None: ...

    async def remember_reply(self, reply: Reply) -> None: ...

    async def recall(self, scope: RecallScope, query: str, k: int, now: datetime) -> list[Recollection]: ...

    async def forget(self, viewer_id: str) -> int:
        """Erase all of a viewer's memories for good; returns how many rows went."""
        ...
