"""The desk: the one web copy that routes for all. Peers dial any copy; their messages come here over the bus."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from avatar_engine import wire
from avatar_engine.errors import WireError
from frontend.clip_routes import ClipAnswer
from frontend.copy_tally import CopyTally
from frontend.redis_bus import RedisBus, pack_note
from frontend.relay import Relay
from frontend.switchboard import Air

log = logging.getLogger(__name__)

REMEMBERED_DELIVERIES = 64


class RemotePeer:
    """A stage or render process whose socket ends in some copy."""

    def __init__(self, bus: RedisBus, copy: str, number: int, role: str, name: str) -> None:
        self.name = name
        self.role = role
        self._bus = bus
        self._copy = copy
        self._number = number

    async def send_text(self, message: dict[str, Any]) -> None:
        """Peer: one text frame."""
        self._send({"text": message})

    async def send_binary(self, data: bytes) -> None:
        """Peer: one binary frame."""
        self._send({}, data)

    async def hang_up(self) -> None:
        """Peer: end its socket."""
        self._send({"hang_up": True})

    def _send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        self._bus.send(f"copy:{self._copy}", pack_note({"to": self._number, **header}, payload))


class SeenFilter:
    """Of what the hubs of several copies saw of one room, lets through what no other copy saw first."""

    def __init__(self) -> None:
        self._furthest = (-1, -1)
        self._delivered: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_DELIVERIES)

    def is_news(self, message: dict[str, Any]) -> bool:
        """Whether `displayed` is beyond all others, or `delivered` is the first of its moment."""
        moment = (int(message["epoch"]), int(message["pts"]))
        if message["type"] == "displayed":
            if moment <= self._furthest:
                return False
            self._furthest = moment
            return True
        if moment in self._delivered:
            return False
        self._delivered.append(moment)
        return True


class Desk:
    """One term of one copy at the desk. It begins empty: every process dials again and says where it stands."""

    def __init__(
        self,
        bus: RedisBus,
        air: Air,
        tally: CopyTally,
        term: int,
        send_event: Callable[[str, dict[str, Any]], Awaitable[None]],
    ) -> None:
        self.term = term
        self._bus = bus
        self._tally = tally
        self._send_event = send_event
        self._relay = Relay(air, send_event)
        self._relay.listen_clips(self._answer_clip)
        self._peers: dict[tuple[str, int], RemotePeer] = {}
        self._seen: dict[str, SeenFilter] = {}
        self._told_viewers: Counter[str] = Counter()
        self._told_chatters: Counter[str] = Counter()
        self._stirred: set[str] = set()

    @property
    def playheads(self) -> Mapping[str, Mapping[str, Any]]:
        """The latest playhead of each room."""
        return self._relay.playheads

    async def take(self, header: dict[str, Any], payload: bytes) -> None:
        """A message of a copy. One that cannot be read is logged and dropped."""
        try:
            await self._take(header, payload)
        except (WireError, KeyError, TypeError, ValueError) as error:
            log.warning("a message of web copy %s was dropped: %r", header.get("copy"), error)

    async def _take(self, header: dict[str, Any], payload: bytes) -> None:
        op = header["op"]
        if op == "keyframe":
            await self._relay.ask_keyframe(str(header["room"]))
        elif op == "seen":
            await self._take_seen(str(header["room"]), header["message"])
        elif op == "join":
            await self._join(header)
        elif op == "clip":
            await self._relay.tell_clip(str(header["clip"]), payload or header["message"])
        elif op == "gone":
            await self._drop((str(header["copy"]), int(header["peer"])))
        else:
            await self._take_from_peer(header, payload)

    async def _join(self, header: dict[str, Any]) -> None:
        copy, number, role = str(header["copy"]), int(header["peer"]), str(header["role"])
        peer = RemotePeer(self._bus, copy, number, role, str(header["name"]))
        self._peers[copy, number] = peer
        if role == "render":
            await self._relay.add_render(peer, header["hello"])
        else:
            await self._relay.add_stage(peer)

    async def _take_from_peer(self, header: dict[str, Any], payload: bytes) -> None:
        copy, number = str(header["copy"]), int(header["peer"])
        peer = self._peers.get((copy, number))
        if peer is None:
            # Dropped because its copy was silent, but alive after all.
            await RemotePeer(self._bus, copy, number, "", "").hang_up()
        elif header["op"] == "binary":
            await self._relay.take_stage_binary(peer, wire.unpack_binary(payload), payload)
        elif peer.role == "stage":
            await self._relay.take_stage_text(peer, header["message"])
        else:
            await self._relay.take_render_text(peer, header["message"])

    def _answer_clip(self, clip: str, answer: ClipAnswer) -> None:
        """To the copy whose name the clip's begins with. Sound and pictures go there straight."""
        if isinstance(answer, dict):
            self._bus.send(f"copy:{find_copy(clip)}", pack_note({"clip": clip, "answer": answer}))

    async def _drop(self, key: tuple[str, int]) -> None:
        peer = self._peers.pop(key, None)
        if peer is None:
            return
        if peer.role == "render":
            await self._relay.drop_render(peer)
        else:
            await self._relay.drop_stage(peer)

    async def _take_seen(self, room: str, message: dict[str, Any]) -> None:
        if self._seen.setdefault(room, SeenFilter()).is_news(message):
            await self._relay.tell_stage(room, message)

    def stir(self, rooms: list[str]) -> None:
        """Pages came or went in these rooms; those that came want to know how many there are, even if as many went."""
        self._stirred.update(rooms)

    async def look_round(self, gone: list[str]) -> None:
        """Drop what copies that are gone held, and tell rooms and stages new counts."""
        for key in [key for key in self._peers if key[0] in gone]:
            await self._drop(key)
        viewers, chatters = self._tally.viewers(), self._tally.chatters()
        for room in _changed(viewers, self._told_viewers):
            await self._relay.tell_stage(room, {"type": "audience", "viewers": viewers[room]})
        stirred, self._stirred = self._stirred, set()
        for room in stirred.union(_changed(chatters, self._told_chatters)):
            await self._send_event(room, {"type": "viewers", "count": chatters[room]})
        self._told_viewers, self._told_chatters = viewers, chatters

    async def close(self) -> None:
        """End the term."""
        await self._relay.close()


def find_copy(clip: str) -> str:
    """The web copy that waits for `clip`. Raises ValueError for a name that no copy gave."""
    copy, dot, _ = clip.partition(".")
    if not (dot and copy.isalnum()):
        raise ValueError(f"{clip!r} is not the name of a clip")
    return copy


def _changed(now: Counter[str], before: Counter[str]) -> list[str]:
    return [room for room in now | before if now[room] != before[room]]
