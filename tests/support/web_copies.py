"""Web copies without a web server: hubs and switchboards, and peers that write down what they are sent."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from avatar_engine import wire
from avatar_engine.stream.envelope import MediaEnvelope
from frontend.hub import MediaHub
from frontend.hub_hooks import HubHooks
from frontend.redis_relay import RedisRelay
from frontend.relay import Relay
from frontend.switchboard import Switchboard
from frontend.viewer_queue import ViewerClosed, ViewerQueue
from tests.frontend.hub_kit import Received, read_message

PATIENCE_S = 10.0


class NotingPeer:
    """The far end of a link socket."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: list[dict[str, Any]] = []
        self.binaries: list[bytes] = []
        self.hung_up = 0

    async def send_text(self, message: dict[str, Any]) -> None:
        self.texts.append(message)

    async def send_binary(self, data: bytes) -> None:
        self.binaries.append(data)

    async def hang_up(self) -> None:
        self.hung_up += 1

    def types(self) -> list[str]:
        return [text["type"] for text in self.texts]


@dataclass
class Copy:
    """One web process."""

    hub: MediaHub
    relay: Switchboard


class Page:
    """A viewer that takes and acknowledges everything at once."""

    def __init__(self, copy: Copy, room: str) -> None:
        self._room = copy.hub.room(room)
        self._viewer: ViewerQueue = self._room.subscribe()
        self.messages: list[dict[str, Any] | Received] = []
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                message = read_message(await self._viewer.get())
            except ViewerClosed:
                return
            self.messages.append(message)
            if isinstance(message, Received) and message.kind == 2:
                self._room.acknowledge(self._viewer, message.seq, message.room_pts)

    @property
    def frames(self) -> list[Received]:
        return [m for m in self.messages if isinstance(m, Received) and m.kind == 2]

    def leave(self) -> None:
        self._task.cancel()
        self._room.unsubscribe(self._viewer)


@dataclass
class WebCopies:
    """`count` copies on one Redis, or one copy for all without a URL. Use as an async context manager."""

    redis_url: str | None
    count: int = 2
    prefix: str = field(default_factory=lambda: f"footlight-test-{uuid.uuid4().hex[:8]}")
    copies: list[Copy] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def __aenter__(self) -> WebCopies:
        kinds = self.count if self.redis_url else 1
        made = [self.add() for _ in range(kinds)]
        self.copies = [made[number % kinds] for number in range(self.count)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for copy in {id(copy): copy for copy in self.copies}.values():
            await self.end(copy)
        if self.redis_url:
            async with Redis.from_url(self.redis_url) as client:
                async for key in client.scan_iter(f"{self.prefix}:*"):
                    await client.delete(key)

    def add(self) -> Copy:
        """One more web process."""
        hub = MediaHub()
        relay: Switchboard = (
            RedisRelay(hub, self.redis_url, self.prefix, self._tell) if self.redis_url else Relay(hub, self._tell)
        )

        async def seen(kind: str, room: str, **fields: Any) -> None:
            await relay.tell_stage(room, {"type": kind, **fields})

        hub.attach(
            HubHooks(
                on_displayed=lambda room, epoch, pts, wall_ms: seen("displayed", room, epoch=epoch, pts=pts),
                on_delivered=lambda room, epoch, pts, generation, wall_ms: seen(
                    "delivered", room, epoch=epoch, pts=pts
                ),
                on_keyframe_wanted=relay.ask_keyframe,
                on_audience=lambda room, viewers: seen("audience", room, viewers=viewers),
                on_room=relay.want_room,
                on_room_gone=relay.forget_room,
            )
        )
        relay.start()
        return Copy(hub, relay)

    async def end(self, copy: Copy) -> None:
        await copy.relay.close()
        await copy.hub.close()

    async def _tell(self, room: str, event: dict[str, Any]) -> None:
        self.events.append((room, event))


async def eventually(condition: Callable[[], Any], limit_s: float = PATIENCE_S) -> None:
    """Until `condition` holds. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.01)


async def join(copy: Copy, peer: NotingPeer, role: str, *rooms: str) -> None:
    """Say hello."""
    if role == "stage":
        await copy.relay.add_stage(peer)
    else:
        held = [{"room": room, "epoch": 1000, "generation": 0} for room in rooms]
        hello = {"type": "hello", "families": ["drawn"], "capacity": 2, "rooms": held}
        await copy.relay.add_render(peer, hello)


def opening(room: str) -> dict[str, Any]:
    return {"type": "room.open", "room": room, "generation": 0, "spec": {"engine": "drawn"}}


def media(room: str, envelope: MediaEnvelope) -> wire.BinaryFrame:
    return wire.BinaryFrame(wire.Kind.MEDIA, {"room": room}, envelope.pack())


def clip_frame(room: str, index: int, count: int, envelope: MediaEnvelope) -> wire.BinaryFrame:
    return wire.BinaryFrame(wire.Kind.IDLE_CLIP, {"room": room, "index": index, "count": count}, envelope.pack())


def speech(room: str, sound: bytes = b"") -> tuple[wire.BinaryFrame, bytes]:
    data = wire.pack_binary(wire.Kind.SPEECH, {"room": room}, sound)
    return wire.unpack_binary(data), data
