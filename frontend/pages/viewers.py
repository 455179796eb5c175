"""How many are watching."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest

from chat.models import Room
from frontend.hub import MediaHub


@dataclass(frozen=True, slots=True)
class WatchedRoom:
    """A room and its media viewers in this web process."""

    room: Room
    viewers: int


def count_viewers(request: HttpRequest, rooms: Iterable[Room]) -> list[WatchedRoom]:
    """The rooms in their order; 0 viewers where the request came without a hub."""
    hub: MediaHub | None = getattr(request, "scope", {}).get("footlight.hub")
    return [WatchedRoom(room, hub.viewer_count(room.slug) if hub else 0) for room in rooms]
