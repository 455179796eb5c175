"""All rooms' media in one web process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from avatar_engine.stream.envelope import MediaEnvelope
from chat.address_limit import AddressLimit
from frontend.hub_hooks import HookRunner, HubHooks
from frontend.hub_time import HubTime
from frontend.idle_clip import IdleClipStore
from frontend.room_hub import RoomEvents, RoomHub, State

SOCKETS_PER_ADDRESS = 8
SOCKETS_IN_ALL = 1500


class MediaHub:
    """Owner of every `RoomHub` of this process. Made without a running loop; rooms are made inside one."""

    def __init__(
        self,
        hooks: HubHooks | None = None,
        *,
        idle_dir: Path | None = None,
        sockets_per_address: int = SOCKETS_PER_ADDRESS,
        sockets_in_all: int = SOCKETS_IN_ALL,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` is monotonic seconds, `wall` seconds since 1970. `idle_dir` None keeps idle clips in memory only."""
        self.addresses = AddressLimit(sockets_per_address, sockets_in_all)
        self.clock = clock
        self._hooks = hooks or HubHooks()
        self._runner = HookRunner()
        self._time = HubTime(clock, wall, sleep)
        self._clips = IdleClipStore(idle_dir) if idle_dir is not None else None
        self._rooms: dict[str, RoomHub] = {}

    def attach(self, hooks: HubHooks) -> None:
        """Call `hooks` from now on: the relay needs the hub before it can offer them."""
        self._hooks = hooks

    def room(self, slug: str) -> RoomHub:
        """The room's hub, made on first use. The caller knows that the room exists."""
        room = self._rooms.get(slug)
        if room is None:
            room = self._rooms[slug] = RoomHub(slug, self._build_events(slug), self._time, self._clips)
            self._runner.call(self._hooks.on_room, slug)
        return room

    # from render, by way of the relay

    async def publish(self, slug: str, envelope: MediaEnvelope) -> None:
        """Pass a frame to all viewers of the room; see `RoomHub.publish`."""
        self.room(slug).publish(envelope)

    def put_idle_clip(self, slug: str, index: int, count: int, envelope: MediaEnvelope) -> None:
        """Take one frame of the clip to hold with. Raises `WireError` for frames that make no clip."""
        self.room(slug).put_idle_clip(index, count, envelope)

    def interrupt(self, slug: str, epoch: int, pts: int) -> None:
        """Tell the pages that speech is cut at `pts`."""
        room = self._rooms.get(slug)
        if room is not None:
            room.interrupt(epoch, pts)

    def render_lost(self, slug: str) -> None:
        """The render process is gone: hold the picture."""
        room = self._rooms.get(slug)
        if room is not None:
            room.render_lost()

    @property
    def rooms(self) -> Mapping[str, RoomHub]:
        """Every room that this process shows, by slug."""
        return MappingProxyType(self._rooms)

    def viewer_count(self, slug: str) -> int:
        """Media viewers of the room in this process."""
        room = self._rooms.get(slug)
        return room.viewer_count if room is not None else 0

    def close_room(self, slug: str) -> None:
        """The room goes off air; its viewers stay connected and get the next broadcast.

        Without viewers nothing of it stays: it may have been deleted.
        """
        room = self._rooms.get(slug)
        if room is not None:
            room.go_off_air()
            self._forget_unwatched(room)
        elif self._clips is not None:
            self._clips.delete(slug)

    async def close(self) -> None:
        """Stop everything that runs here."""
        for room in self._rooms.values():
            room.close()
        self._rooms.clear()
        await self._runner.close()

    def _build_events(self, slug: str) -> RoomEvents:
        # Hooks are looked up at each event, because they may be attached after the room was made.
        call = self._runner.call
        return RoomEvents(
            displayed=lambda *args: call(self._hooks.on_displayed, slug, *args),
            delivered=lambda *args: call(self._hooks.on_delivered, slug, *args),
            keyframe_wanted=lambda: call(self._hooks.on_keyframe_wanted, slug),
            audience=lambda viewers: self._tell_audience(slug, viewers),
        )

    def _tell_audience(self, slug: str, viewers: int) -> None:
        self._runner.call(self._hooks.on_audience, slug, viewers)
        room = self._rooms.get(slug)
        if not viewers and room is not None:
            self._forget_unwatched(room)

    def _forget_unwatched(self, room: RoomHub) -> None:
        """Let go of a room that is off air and has no viewers: whoever comes next makes it anew."""
        if room.state is State.OFF_AIR and not room.viewer_count:
            del self._rooms[room.slug]
            room.close()
            self._runner.call(self._hooks.on_room_gone, room.slug)
