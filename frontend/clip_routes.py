"""Which stage or render process works on which clip, and where its answers go."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from avatar_engine import wire
from frontend.switchboard import Peer

log = logging.getLogger(__name__)

ClipAnswer = dict[str, Any] | wire.BinaryFrame
"""What a process says about a clip: a text message of the link, or sound or a picture of it."""
TakeAnswer = Callable[[str, ClipAnswer], None]
OPENING = frozenset({"clip.open", "clip.voice"})
"""Messages that begin a clip and choose who works on it."""


def build_failure(clip: str, reason: str, detail: str = "") -> dict[str, Any]:
    """What is said in the name of a process that cannot say it."""
    return {"type": "clip.failed", "clip": clip, "reason": reason, "detail": detail}


class ClipRoutes:
    """Clips that somebody works on. A clip leaves when it is closed, or fails, or whoever works on it is gone."""

    def __init__(self) -> None:
        self._workers: dict[str, Peer] = {}
        self._take: TakeAnswer = _ignore

    def listen(self, take: TakeAnswer) -> None:
        """Answers go to `take` from now on."""
        self._take = take

    def count(self, peer: Peer) -> int:
        """Clips that `peer` works on."""
        return sum(1 for worker in self._workers.values() if worker is peer)

    async def open(self, clip: str, peer: Peer, message: dict[str, Any]) -> None:
        """Give `clip` to `peer`."""
        self._workers[clip] = peer
        await peer.send_text(message)

    async def tell(self, clip: str, message: dict[str, Any] | bytes) -> None:
        """Pass something on to whoever works on `clip`."""
        peer = self._workers.get(clip)
        if peer is None:
            return
        if isinstance(message, bytes):
            await peer.send_binary(message)
            return
        if message["type"] == "clip.close":
            del self._workers[clip]
        await peer.send_text(message)

    def refuse(self, clip: str, reason: str) -> None:
        """Nobody can work on `clip`."""
        self._take(clip, build_failure(clip, reason))

    def take(self, peer: Peer, clip: str, answer: ClipAnswer) -> None:
        """What `peer` says about `clip`. Dropped where it does not work on it."""
        if self._workers.get(clip) is not peer:
            log.debug("%s speaks of a clip that it does not have", peer.name)
            return
        if isinstance(answer, dict) and answer["type"] == "clip.failed":
            del self._workers[clip]
        self._take(clip, answer)

    def drop(self, peer: Peer) -> None:
        """`peer` is gone, and its clips with it."""
        for clip in [clip for clip, worker in self._workers.items() if worker is peer]:
            del self._workers[clip]
            self.refuse(clip, "lost")

    def clear(self) -> None:
        """Forget everything."""
        self._workers.clear()


def _ignore(clip: str, answer: ClipAnswer) -> None:
    """Nobody listens."""
