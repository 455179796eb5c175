"""What many viewers say within one moment, put into one frame."""

from __future__ import annotations

from typing import Any

MOST_MESSAGES = 10
"""Messages in one frame; at five frames a second that is more than anybody reads."""
MOST_ITEMS = 500
MAY_WAIT = frozenset({"message", "message.state", "viewers"})


class Coalescer:
    """Items that wait for the next frame of a room, in order.

    A state of a message that waits here too becomes part of it, and of several counts of viewers the last stays. Past
    ten messages the newest are left out and counted in an item `more`; their states still go out, because a page
    knows its own message from `accepted`. Nothing else is ever dropped.
    """

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._places: dict[tuple[str, object], int] = {}
        self._messages = 0
        self._left_out = 0

    @property
    def is_full(self) -> bool:
        """So much waits that the frame should go now."""
        return len(self._items) >= MOST_ITEMS

    def add(self, item: dict[str, Any]) -> bool:
        """Take an item, or the items of a `batch`; True where one of them must not wait."""
        kind = item["type"]
        if kind == "batch":
            return any([self.add(part) for part in item["items"]])
        if kind == "message":
            self._add_message(item)
        elif kind == "message.state":
            self._add_state(item)
        elif kind == "viewers":
            self._put(("viewers", None), item)
        else:
            self._items.append(item)
        return kind not in MAY_WAIT

    def take(self) -> list[dict[str, Any]]:
        """Everything that waits; nothing waits afterwards."""
        items = self._items
        if self._left_out:
            items.append({"type": "more", "count": self._left_out})
        self._items, self._places, self._messages, self._left_out = [], {}, 0, 0
        return items

    def _add_message(self, item: dict[str, Any]) -> None:
        if self._messages >= MOST_MESSAGES:
            self._left_out += 1
            if item["state"] != "waiting":
                self._put(
                    ("state", item["id"]),
                    {"type": "message.state", "id": item["id"], "state": item["state"], "reason": item["reason"]},
                )
            return
        self._messages += 1
        self._put(("message", item["id"]), item)

    def _add_state(self, item: dict[str, Any]) -> None:
        place = self._places.get(("message", item["id"]))
        if place is None:
            self._put(("state", item["id"]), item)
        else:
            self._items[place] = {**self._items[place], "state": item["state"], "reason": item["reason"]}

    def _put(self, key: tuple[str, object], item: dict[str, Any]) -> None:
        """Append, or replace what waits under the same key."""
        place = self._places.get(key)
        if place is None:
            self._places[key] = len(self._items)
            self._items.append(item)
        else:
            self._items[place] = item
