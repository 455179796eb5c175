"""The room's latest exchanges, in the order they were heard."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_KEPT = 3
MOST_KEPT = 14
MOST_TOKENS = 1000


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a viewer wrote and what was heard in answer."""

    viewer_id: str
    name: str
    text: str
    heard: str

    @property
    def tokens(self) -> int:
        """About how many tokens a language model makes of it: one for three Latin letters, or for one other sign."""
        written = f"{self.name}{self.text}{self.heard}"
        ascii_letters = sum(1 for c in written if c.isascii())
        return 10 + ascii_letters // 3 + len(written) - ascii_letters


class Conversation:
    """At most 14 exchanges of one room, and at most about 1,000 tokens.

    It grows at its end only; when it is full, all but the three latest go at once. So a language model that has read
    it finds it unchanged in most turns, and has little to read again in the others.
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
        if len(self._exchanges) > MOST_KEPT or self._tokens() > MOST_TOKENS:
            del self._exchanges[:-LEAST_KEPT]
        while len(self._exchanges) > 1 and self._tokens() > MOST_TOKENS:
            del self._exchanges[0]

    def _tokens(self) -> int:
        return sum(exchange.tokens for exchange in self._exchanges)

    def forget(self, viewer_id: str) -> int:
        """Drop a viewer's exchanges; returns how many went."""
        kept = [exchange for exchange in self._exchanges if exchange.viewer_id != viewer_id]
        gone = len(self._exchanges) - len(kept)
        self._exchanges = kept
        return gone
