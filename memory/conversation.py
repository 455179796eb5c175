"""The room's latest exchanges, in the order they were heard."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_KEPT = 4
DROPPED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a viewer wrote and what was heard in answer."""

    viewer_id: str
    name: str
    text: str
    heard: str


class Conversation:
    """Four to seven exchanges of one room.

    It grows at its end and loses its four oldest at once, so that a language model that has read it once finds it
    unchanged in most turns and need not read it again.
    """

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Oldest first."""
        return tuple(self._exchanges)

    def add(self, exchange: Exchange) -> None:
        """The latest exchange; one of which nothing was heard is left out."""
        if not exchange.heard:
            return
        self._exchanges.append(exchange)
        if len(self._exchanges) >= LEAST_KEPT + DROPPED_AT_ONCE:
            del self._exchanges[:DROPPED_AT_ONCE]

    def forget(self, viewer_id: str) -> int:
        """Drop a viewer's exchanges; returns how many went."""
        kept = [exchange for exchange in self._exchanges if exchange.viewer_id != viewer_id]
        gone = len(self._exchanges) - len(kept)
        self._exchanges = kept
        return gone
