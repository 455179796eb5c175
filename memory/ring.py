"""Short-term memory: the last lines of each viewer and of the room, in the stage process."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime

from memory.store import Observation, RecallScope, Recollection, Reply

RING_LINES = 30
MOST_VIEWERS = 2000


class RingStore:
    """`MemoryStore` that keeps 30 lines a viewer and 30 a room, and nothing longer.

    A viewer's ring holds only what was said between them and the presenter. The room's ring holds what everybody in
    the room could read and hear. The viewer quiet for longest is forgotten past 2,000.
    """

    def __init__(self) -> None:
        self._viewers: OrderedDict[tuple[str, str], deque[Recollection]] = OrderedDict()
        self._rooms: dict[str, deque[Recollection]] = {}
        self._authors: dict[str, deque[str | None]] = {}

    async def observe(self, message: Observation) -> None:
        """Keep an accepted message."""
        self._keep(message.room_id, message.viewer_id, message.text, "viewer", message.speaker, message.at)

    async def remember_reply(self, reply: Reply) -> None:
        """Keep what was heard of an answer."""
        if reply.heard:
            self._keep(reply.room_id, reply.viewer_id, reply.heard, "presenter", "", reply.at)

    def _keep(self, room: str, viewer: str | None, text: str, speaker: str, name: str, at: datetime) -> None:
        lines = self._rooms.setdefault(room, deque(maxlen=RING_LINES))
        authors = self._authors.setdefault(room, deque(maxlen=RING_LINES))
        lines.append(Recollection(text, speaker, name, at, own=False))
        authors.append(viewer)
        if viewer is None:
            return
        ring = self._viewers.setdefault((room, viewer), deque(maxlen=RING_LINES))
        ring.append(Recollection(text, speaker, name, at, own=True))
        self._viewers.move_to_end((room, viewer))
        while len(self._viewers) > MOST_VIEWERS:
            self._viewers.popitem(last=False)

    async def recall(self, scope: RecallScope, query: str, k: int, now: datetime) -> list[Recollection]:
        """The latest `k` lines of this viewer, then of the room without them, each oldest first."""
        own: Iterable[Recollection] = self._viewers.get((scope.room_id, scope.viewer_id or ""), ())
        pairs = zip(self._rooms.get(scope.room_id, ()), self._authors.get(scope.room_id, ()), strict=True)
        others = [line for line, author in pairs if author is None or author != scope.viewer_id]
        return [*list(own)[-k:], *others[-k:]] if k > 0 else []

    async def forget(self, viewer_id: str) -> int:
        """Drop every line of a viewer, in their rings and in the rooms'."""
        gone = 0
        for key in [key for key in self._viewers if key[1] == viewer_id]:
            gone += len(self._viewers.pop(key))
        for room, authors in self._authors.items():
            kept = [pair for pair in zip(self._rooms[room], authors, strict=True) if pair[1] != viewer_id]
            gone += len(authors) - len(kept)
            self._rooms[room] = deque((line for line, _ in kept), maxlen=RING_LINES)
            self._authors[room] = deque((author for _, author in kept), maxlen=RING_LINES)
        return gone
