"""How many are watching."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest

from chat.models import Room
from frontend.switchboard import Switchboard


@dataclass(frozen=True, slots=True)
class WatchedRoom:
    """A room and its media viewers."""

    room: Room
    viewers: int


def count_viewers(request: HttpRequest, rooms: Iterable[Room]) -> list[WatchedRoom]:
    """The rooms in their order; 0 viewers where the request came without a relay."""
    relay: Switchboard | None = getattr(request, "scope", {}).get("footlight.relay")
    return [WatchedRoom(room, relay.viewer_count(room.slug) if relay else 0) for room in rooms]
