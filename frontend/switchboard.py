"""What a web process needs of the middle of the star, whether it is this process alone or many over Redis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from avatar_engine import wire
from avatar_engine.stream.envelope import MediaEnvelope


class NoDesk(Exception):
    """Nobody routes messages right now; whoever dialled should dial again."""


class Peer(Protocol):
    """The far end of a link socket."""

    name: str

    async def send_text(self, message: dict[str, Any]) -> None: ...

    async def send_binary(self, data: bytes) -> None: ...

    async def hang_up(self) -> None:
        """Close the socket; the process at its end dials again and says where it stands."""


class Air(Protocol):
    """Where pictures go: every hub that has viewers of the room."""

    async def publish(self, room: str, envelope: MediaEnvelope) -> None: ...

    def put_idle_clip(self, room: str, index: int, count: int, envelope: MediaEnvelope) -> None: ...

    def interrupt(self, room: str, epoch: int, pts: int) -> None: ...

    def render_lost(self, room: str) -> None: ...

    def close_room(self, room: str) -> None: ...

    def viewer_count(self, room: str) -> int: ...


class Switchboard(Protocol):
    """Routes between stages, renders and hubs. `Relay` in one process, `RedisRelay` in each of many copies.

    A peer is added before its messages are taken, and dropped once. Adding raises `NoDesk`.
    """

    @property
    def playheads(self) -> Mapping[str, Mapping[str, Any]]:
        """The latest playhead of each room, in the process that routes; empty in others."""

    def start(self) -> None:
        """Begin to work, on the running loop. Again is harmless."""

    async def add_stage(self, stage: Peer) -> None: ...

    async def take_stage_text(self, stage: Peer, message: dict[str, Any]) -> None: ...

    async def take_stage_binary(self, stage: Peer, frame: wire.BinaryFrame, data: bytes) -> None: ...

    async def drop_stage(self, stage: Peer) -> None: ...

    async def add_render(self, render: Peer, hello: dict[str, Any]) -> None: ...

    async def take_render_text(self, render: Peer, message: dict[str, Any]) -> None: ...

    async def take_render_binary(self, render: Peer, frame: wire.BinaryFrame) -> None: ...

    async def drop_render(self, render: Peer) -> None: ...

    async def want_room(self, room: str) -> None:
        """The hub of this process shows `room` from now on."""

    async def forget_room(self, room: str) -> None:
        """The hub of this process shows `room` no more."""

    async def ask_keyframe(self, room: str) -> None: ...

    async def tell_stage(self, room: str, message: dict[str, Any]) -> None:
        """Pass what the hub saw (displayed, delivered, audience) to the stage that holds the room."""

    async def tell_chatters(self, room: str, count: int) -> None:
        """So many chat sockets of `room` are open in this process; pages learn the sum of all processes."""

    def viewer_count(self, room: str) -> int:
        """Media viewers of the room in all web processes."""

    def listen_clips(self, take: Callable[[str, dict[str, Any] | wire.BinaryFrame], None]) -> None:
        """What stage and render say about clips of this process goes to `take(clip, answer)`."""

    def name_clip(self) -> str:
        """A name for a new clip, under which answers find this process. Raises `NoDesk`."""

    async def tell_clip(self, clip: str, message: dict[str, Any] | bytes) -> None:
        """Begin a clip (`clip.open`, `clip.voice`) with whoever can, or pass on what follows."""

    async def close(self) -> None: ...
