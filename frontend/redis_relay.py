"""The switchboard of one web copy among several, over Redis (docs/processes.md, Several web copies)."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from avatar_engine import wire
from frontend.clip_routes import TakeAnswer
from frontend.copy_tally import CopyTally
from frontend.hub import MediaHub
from frontend.link_outbox import LinkOutbox
from frontend.redis_air import ROOM_CHANNEL, RedisAir, RoomFeed
from frontend.redis_bus import BusStuck, RedisBus, pack_note, unpack_note
from frontend.redis_desk import Desk, find_copy
from frontend.relay import put_on_air
from frontend.switchboard import NoDesk, Peer

log = logging.getLogger(__name__)

BEAT_S = 0.5
DESK_LEASE_MS = 3000
DESK_WAIT_S = 6.0
RETRY_S = 0.3
DESK_INBOX = 2000
SendEvent = Callable[[str, dict[str, Any]], Awaitable[None]]

# Takes a free desk, keeps one's own, or says who sits there. The desk is free when its lease ran out, and at once when
# nobody listens under its holder's name: Redis sees a process die before the lease does. A new term for each sitting:
# older messages do not count.
SIT = """
local holder = redis.call('GET', KEYS[1])
if holder then
  local name = string.match(holder, '^%S+')
  if redis.call('PUBSUB', 'NUMSUB', KEYS[3] .. name)[2] == 0 then
    holder = false
  end
end
if not holder then
  holder = ARGV[1] .. ' ' .. redis.call('INCR', KEYS[2])
  redis.call('SET', KEYS[1], holder, 'PX', ARGV[2])
elseif string.sub(holder, 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return holder
"""


@dataclass(frozen=True, slots=True)
class Seat:
    """Which copy sits at the desk, and in which term."""

    copy: str
    term: int


class Session:
    """One connection to Redis. `name` is the copy's name while it lasts: what was missed before cannot be made up."""

    def __init__(self, bus: RedisBus, hub: MediaHub, tally: CopyTally) -> None:
        self.name = secrets.token_hex(6)
        self.bus = bus
        self.air = RedisAir(bus, tally)
        self.feed = RoomFeed(bus, hub)
        self.seat: Seat | None = None
        self.desk: Desk | None = None
        self.desk_inbox: asyncio.Queue[tuple[dict[str, Any], bytes]] = asyncio.Queue(DESK_INBOX)


class RedisRelay:
    """`Switchboard` of one copy: hands what its links and its hub say to the desk, and back."""

    def __init__(
        self,
        hub: MediaHub,
        url: str,
        prefix: str,
        send_event: SendEvent,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send_event(room, event)` reaches the chat sockets of all copies."""
        self.hub = hub
        self._url = url
        self._prefix = prefix
        self._send_event = send_event
        self._tally = CopyTally(clock)
        self._chatters: Counter[str] = Counter()
        self._stirred: set[str] = set()
        self._wanted: set[str] = set()
        self._take_clip: TakeAnswer = lambda clip, answer: None
        self._links: dict[Peer, LinkOutbox] = {}
        self._next_number = 0
        self._session: Session | None = None
        self._ready = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect to Redis, and again whenever that ends."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="redis-relay")

    async def close(self) -> None:
        """Leave."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    # links

    async def add_stage(self, stage: Peer) -> None:
        """A stage process dialled this copy. Raises `NoDesk`."""
        await self._join(stage, "stage", {}, set())

    async def add_render(self, render: Peer, hello: dict[str, Any]) -> None:
        """A render process dialled this copy. Raises `NoDesk`."""
        await self._join(render, "render", hello, {str(known["room"]) for known in hello.get("rooms", [])})

    async def _join(self, peer: Peer, role: str, hello: dict[str, Any], rooms: set[str]) -> None:
        try:
            await asyncio.wait_for(self._ready.wait(), DESK_WAIT_S)
        except TimeoutError as error:
            raise NoDesk from error
        self._next_number += 1
        link = self._links[peer] = LinkOutbox(peer, role, self._next_number, rooms)
        self._tell_desk({"op": "join", "peer": link.number, "role": role, "name": peer.name, "hello": hello})

    async def take_stage_text(self, stage: Peer, message: dict[str, Any]) -> None:
        """A message from a stage process here."""
        self._pass_on(stage, message)

    async def take_render_text(self, render: Peer, message: dict[str, Any]) -> None:
        """A message from a render process here."""
        self._pass_on(render, message)

    def _pass_on(self, peer: Peer, message: dict[str, Any]) -> None:
        link = self._links.get(peer)
        if link is not None:
            self._tell_desk({"op": "text", "peer": link.number, "message": message})

    async def take_stage_binary(self, stage: Peer, frame: wire.BinaryFrame, data: bytes) -> None:
        """Sound from a stage process here."""
        link = self._links.get(stage)
        if link is not None and frame.kind in wire.CLIP_KINDS:
            self._answer_clip(frame)
        elif link is not None and frame.kind is wire.Kind.SPEECH:
            self._tell_desk({"op": "binary", "peer": link.number}, data)

    async def take_render_binary(self, render: Peer, frame: wire.BinaryFrame) -> None:
        """A picture from a render process here: straight to all hubs, where the desk gave it the room."""
        link, session = self._links.get(render), self._session
        if link is None or session is None:
            return
        if frame.kind in wire.CLIP_KINDS:
            self._answer_clip(frame)
            return
        if frame.room not in link.rooms:
            return
        try:
            await put_on_air(session.air, frame)
        except (RedisError, OSError) as error:
            log.warning("a frame of room %s was lost: %s", frame.room, error)

    # clips

    def listen_clips(self, take: TakeAnswer) -> None:
        """What is said about clips of this copy goes to `take`."""
        self._take_clip = take

    def name_clip(self) -> str:
        """Begins with the name of this copy, so that every other finds it. Raises `NoDesk`."""
        if self._session is None or self._session.seat is None:
            raise NoDesk
        return f"{self._session.name}.{secrets.token_hex(8)}"

    async def tell_clip(self, clip: str, message: dict[str, Any] | bytes) -> None:
        """The desk knows who works on what."""
        if isinstance(message, bytes):
            self._tell_desk({"op": "clip", "clip": clip}, message)
        else:
            self._tell_desk({"op": "clip", "clip": clip, "message": message})

    def _answer_clip(self, frame: wire.BinaryFrame) -> None:
        """Sound and pictures need not pass the desk. Raises ValueError for a clip that no copy asked for."""
        copy = find_copy(frame.clip)
        if self._session is not None:
            note = pack_note({"clip": frame.clip}, wire.pack_binary(frame.kind, frame.header, frame.payload))
            self._session.bus.send(f"copy:{copy}", note)

    async def drop_stage(self, stage: Peer) -> None:
        """The socket of a stage process ended."""
        self._drop(stage)

    async def drop_render(self, render: Peer) -> None:
        """The socket of a render process ended."""
        self._drop(render)

    def _drop(self, peer: Peer) -> None:
        link = self._links.pop(peer, None)
        if link is not None:
            link.stop()
            self._tell_desk({"op": "gone", "peer": link.number})

    # the hub and the pages of this copy

    async def want_room(self, room: str) -> None:
        """The hub shows `room` from now on: subscribe, and ask for a key frame to begin with."""
        self._wanted.add(room)
        if self._session is not None:
            try:
                await self._session.feed.want(room)
            except (RedisError, OSError) as error:
                log.warning("room %s comes with the next connection to Redis: %s", room, error)
            await self.ask_keyframe(room)

    async def forget_room(self, room: str) -> None:
        """The hub shows `room` no more."""
        self._wanted.discard(room)
        if self._session is not None:
            try:
                await self._session.feed.forget(room)
            except (RedisError, OSError) as error:
                log.debug("room %s is forgotten with the connection to Redis: %s", room, error)

    async def ask_keyframe(self, room: str) -> None:
        """A viewer here cannot go on without a key frame."""
        self._tell_desk({"op": "keyframe", "room": room})

    async def tell_stage(self, room: str, message: dict[str, Any]) -> None:
        """Pass what the hub saw. The audience goes with the beat, so that the desk can add up."""
        if message["type"] != "audience":
            self._tell_desk({"op": "seen", "room": room, "message": message})

    async def tell_chatters(self, room: str, count: int) -> None:
        """Goes with the beat; the desk tells the pages."""
        self._chatters[room] = count
        self._chatters += Counter()
        self._stirred.add(room)

    def viewer_count(self, room: str) -> int:
        """Media viewers of the room in all copies; of the others as of their last beat."""
        return self.hub.viewer_count(room) + self._tally.viewers(without=self._name)[room]

    @property
    def playheads(self) -> Mapping[str, Mapping[str, Any]]:
        """The latest playhead of each room where this copy has the desk, else none."""
        desk = self._session.desk if self._session is not None else None
        return desk.playheads if desk is not None else {}

    @property
    def _name(self) -> str:
        return self._session.name if self._session is not None else ""

    def _tell_desk(self, header: dict[str, Any], payload: bytes = b"") -> None:
        session = self._session
        if session is not None and session.seat is not None:
            header = {**header, "copy": session.name, "term": session.seat.term}
            session.bus.send(f"copy:{session.seat.copy}", pack_note(header, payload))

    # Redis

    async def _run(self) -> None:
        while True:
            bus = RedisBus(self._url, self._prefix)
            try:
                await self._serve(Session(bus, self.hub, self._tally))
            except* (RedisError, OSError, BusStuck) as errors:
                log.warning("Redis is away, links are hung up: %s", errors.exceptions[0])
            finally:
                await self._leave(bus)
            await asyncio.sleep(RETRY_S)

    async def _serve(self, session: Session) -> None:
        await session.bus.listen("copies", f"copy:{session.name}")
        self._session = session
        async with asyncio.TaskGroup() as group:
            group.create_task(session.bus.write(), name="redis-write")
            group.create_task(self._read(session), name="redis-read")
            group.create_task(self._run_desk(session), name="redis-desk")
            group.create_task(self._beat(session), name="redis-beat")
            await session.feed.want(*self._wanted)

    async def _leave(self, bus: RedisBus) -> None:
        session, self._session = self._session, None
        self._ready.clear()
        self._hang_up_all()
        if session is not None and session.desk is not None:
            await session.desk.close()
        try:
            await bus.close()
        except (RedisError, OSError) as error:
            log.debug("closing the connection to Redis: %s", error)

    def _hang_up_all(self) -> None:
        links = list(self._links.values())
        self._links.clear()
        for link in links:
            link.hang_up()

    async def _read(self, session: Session) -> None:
        async for channel, data in session.bus.messages():
            if channel.startswith(ROOM_CHANNEL):
                session.feed.take(channel.removeprefix(ROOM_CHANNEL), data)
                continue
            header, payload = unpack_note(data)
            if channel == "copies":
                self._hear_beat(session, header)
            elif "op" in header:
                self._take_for_desk(session, header, payload)
            elif "clip" in header:
                self._take_clip(header["clip"], header.get("answer") or wire.unpack_binary(payload))
            else:
                self._take_for_link(header, payload)

    def _take_for_desk(self, session: Session, header: dict[str, Any], payload: bytes) -> None:
        try:
            session.desk_inbox.put_nowait((header, payload))
        except asyncio.QueueFull as error:
            raise BusStuck(f"{DESK_INBOX} messages wait for the desk") from error

    def _take_for_link(self, header: dict[str, Any], payload: bytes) -> None:
        link = next((link for link in self._links.values() if link.number == header["to"]), None)
        if link is None:
            return
        if "hang_up" in header:
            del self._links[link.peer]
            link.hang_up()
        else:
            link.put(header.get("text") or payload)

    # the desk

    async def _run_desk(self, session: Session) -> None:
        while True:
            header, payload = await session.desk_inbox.get()
            if session.desk is not None and header["term"] == session.desk.term:
                await session.desk.take(header, payload)

    async def _beat(self, session: Session) -> None:
        """Twice a second: keep or take the desk, say who is here and how many watch."""
        while True:
            keys = ["desk", "desk_term", "copy:"]
            holder = await session.bus.run_script(SIT, keys, [session.name, DESK_LEASE_MS])
            await self._sit(session, holder)
            viewers = {room: count for room in self._wanted if (count := self.hub.viewer_count(room))}
            self._tally.hear(session.name, viewers, dict(self._chatters))
            term = session.desk.term if session.desk is not None else None
            beat = {"copy": session.name, "term": term, "viewers": viewers, "chatters": dict(self._chatters)}
            session.bus.send("copies", pack_note({**beat, "stirred": sorted(self._stirred)}))
            self._stirred.clear()
            gone = self._tally.drop_silent()
            if session.desk is not None:
                await session.desk.look_round(gone)
            await asyncio.sleep(BEAT_S)

    async def _sit(self, session: Session, holder: str) -> None:
        copy, term = holder.split()
        if copy == session.name:
            if session.desk is None:
                session.desk = Desk(session.bus, session.air, self._tally, int(term), self._send_event)
                self._adopt(session, Seat(copy, int(term)))
        elif session.desk is not None:
            log.warning("the desk was taken over by another web copy")
            await session.desk.close()
            session.desk = None

    def _hear_beat(self, session: Session, beat: dict[str, Any]) -> None:
        self._tally.hear(beat["copy"], beat["viewers"], beat["chatters"])
        if session.desk is not None:
            session.desk.stir(beat["stirred"])
        if beat["term"] is not None:
            self._adopt(session, Seat(beat["copy"], beat["term"]))

    def _adopt(self, session: Session, seat: Seat) -> None:
        """Links belong to one term of the desk: with a new one they start over."""
        if session.seat is not None and seat.term <= session.seat.term:
            return
        log.info("web copy %s has the desk (term %s)", "here" if seat.copy == session.name else seat.copy, seat.term)
        session.seat = seat
        self._hang_up_all()
        self._ready.set()
