"""The middle of the star: passes sound from stage to render, pictures from render to the hub, reports back."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from avatar_engine import wire
from avatar_engine.stream.envelope import MediaEnvelope
from frontend.clip_routes import OPENING, ClipRoutes, TakeAnswer
from frontend.switchboard import Air, Peer

log = logging.getLogger(__name__)

UNCLAIMED_CLOSES_AFTER_S = 20.0
TO_STAGE = frozenset({"room.opened", "room.failed", "interrupted", "report", "playhead"})
TO_RENDER = frozenset({"interrupt", "report.ack"})


@dataclass(slots=True, eq=False)
class RenderPeer:
    """A render process: what it can show and how many rooms it takes."""

    peer: Peer
    families: frozenset[str]
    capacity: int


@dataclass(slots=True)
class Route:
    """Where the two ends of one room are now."""

    stage: Peer | None = None
    render: RenderPeer | None = None
    opening: dict[str, Any] | None = None


@dataclass(slots=True)
class Relay:
    """All routes. Lives on the event loop; keeps nothing that rows do not know better."""

    hub: Air
    send_event: Callable[[str, dict[str, Any]], Awaitable[None]]
    routes: dict[str, Route] = field(default_factory=dict)
    renders: list[RenderPeer] = field(default_factory=list)
    playheads: dict[str, dict[str, Any]] = field(default_factory=dict)
    clips: ClipRoutes = field(default_factory=ClipRoutes)
    _stages: list[Peer] = field(default_factory=list)
    _sweeps: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self) -> None:
        """Nothing to begin."""

    # from stage

    async def add_stage(self, stage: Peer) -> None:
        """A stage process dialled in; its rooms are those that it opens."""
        self._stages.append(stage)

    async def take_stage_text(self, stage: Peer, message: dict[str, Any]) -> None:
        """A message from a stage process."""
        kind, room = message["type"], str(message.get("room", ""))
        if kind == "clip.failed":
            self.clips.take(stage, str(message["clip"]), message)
            return
        if kind == "room.open":
            await self._open(stage, room, message)
            return
        route = self.routes.get(room)
        if route is None or route.stage is not stage:
            log.warning("%s from %s for room %s, which it does not hold, was dropped", kind, stage.name, room)
        elif kind == "room.close":
            await self._close(room)
        elif kind == "event":
            await self.send_event(room, message["event"])
        elif kind in TO_RENDER and route.render is not None:
            await route.render.peer.send_text(message)

    async def _open(self, stage: Peer, room: str, opening: dict[str, Any]) -> None:
        route = self.routes.setdefault(room, Route())
        route.stage = stage
        route.opening = opening
        await self._assign(room, route)
        await stage.send_text({"type": "audience", "room": room, "viewers": self.hub.viewer_count(room)})

    async def take_stage_binary(self, stage: Peer, frame: wire.BinaryFrame, data: bytes) -> None:
        """Sound from the stage process that holds the room, or of a clip."""
        if frame.kind in wire.CLIP_KINDS:
            self.clips.take(stage, frame.clip, frame)
            return
        route = self.routes.get(frame.room)
        if route is None or route.stage is not stage or route.render is None:
            return
        if frame.kind is wire.Kind.SPEECH:
            await route.render.peer.send_binary(data)

    async def drop_stage(self, stage: Peer) -> None:
        """A stage process is gone. Its rooms go on: render finishes what it has, another stage will claim them."""
        self._stages = [known for known in self._stages if known is not stage]
        self.clips.drop(stage)
        for room, route in list(self.routes.items()):
            if route.stage is not stage:
                continue
            route.stage = None
            if route.render is not None:
                await route.render.peer.send_text({"type": "stage.lost", "room": room})

    # from render

    async def add_render(self, peer: Peer, hello: dict[str, Any]) -> None:
        """A render process dialled in; it keeps the rooms it has open and takes waiting ones."""
        for ghost in [known for known in self.renders if known.peer.name == peer.name]:
            await self._drop_render(ghost)  # its socket is dead, web has only not noticed yet
        render = RenderPeer(peer, frozenset(hello.get("families", [])), int(hello.get("capacity", 1)))
        self.renders.append(render)
        for known in hello.get("rooms", []):
            await self._take_back(render, str(known["room"]))
        for room, route in list(self.routes.items()):
            if route.render is None and route.opening is not None:
                await self._assign(room, route)

    async def _take_back(self, render: RenderPeer, room: str) -> None:
        route = self.routes.setdefault(room, Route())
        if route.render is not None and route.render is not render:
            await render.peer.send_text({"type": "room.close", "room": room})
            return
        route.render = render
        if route.opening is not None:
            await render.peer.send_text(route.opening)
        else:
            task = asyncio.create_task(self._close_unclaimed(room), name=f"unclaimed-{room}")
            self._sweeps.add(task)
            task.add_done_callback(self._sweeps.discard)

    async def _close_unclaimed(self, room: str) -> None:
        await asyncio.sleep(UNCLAIMED_CLOSES_AFTER_S)
        route = self.routes.get(room)
        if route is not None and route.opening is None:
            await self._close(room)

    async def take_render_text(self, render: Peer, message: dict[str, Any]) -> None:
        """A message from a render process, for the stage that holds the room, or for who waits for a clip."""
        if message["type"] == "clip.failed":
            self.clips.take(render, str(message["clip"]), message)
            return
        room = str(message.get("room", ""))
        route = self._route_shown_by(render, room)
        if route is None or message["type"] not in TO_STAGE:
            return
        if message["type"] == "interrupted":
            self.hub.interrupt(room, int(message["epoch"]), int(message["pts"]))
        if message["type"] == "playhead":
            self.playheads[room] = message
        if route.stage is not None:
            await route.stage.send_text(message)

    async def take_render_binary(self, render: Peer, frame: wire.BinaryFrame) -> None:
        """A picture with its sound, or one of a clip."""
        if frame.kind in wire.CLIP_KINDS:
            self.clips.take(render, frame.clip, frame)
            return
        if self._route_shown_by(render, frame.room) is not None:
            await put_on_air(self.hub, frame)

    def _route_shown_by(self, render: Peer, room: str) -> Route | None:
        route = self.routes.get(room)
        return route if route is not None and route.render is not None and route.render.peer is render else None

    async def drop_render(self, render: Peer) -> None:
        """A render process is gone: its rooms hold the picture and move to another one where there is one."""
        for known in [known for known in self.renders if known.peer is render]:
            await self._drop_render(known)

    async def _drop_render(self, render: RenderPeer) -> None:
        self.renders.remove(render)
        self.clips.drop(render.peer)
        for room, route in list(self.routes.items()):
            if route.render is not render:
                continue
            route.render = None
            self.playheads.pop(room, None)
            self.hub.render_lost(room)
            if route.stage is not None:
                await route.stage.send_text({"type": "render.lost", "room": room})
            if route.opening is not None:
                await self._assign(room, route)

    # clips

    def listen_clips(self, take: TakeAnswer) -> None:
        """What is said about clips goes to `take`."""
        self.clips.listen(take)

    def name_clip(self) -> str:
        """A name that nobody guesses."""
        return f"web.{secrets.token_hex(8)}"

    async def tell_clip(self, clip: str, message: dict[str, Any] | bytes) -> None:
        """Begin a clip with the process that has least to do, or pass on what follows."""
        if isinstance(message, bytes) or message["type"] not in OPENING:
            await self.clips.tell(clip, message)
            return
        is_voice = message["type"] == "clip.voice"
        worker = self._find_stage() if is_voice else self._find_render(str(message["spec"]["engine"]))
        if worker is None:
            self.clips.refuse(clip, "no_stage" if is_voice else "no_render")
        else:
            await self.clips.open(clip, worker, message)

    def _find_stage(self) -> Peer | None:
        return min(self._stages, key=self.clips.count, default=None)

    def _find_render(self, family: str) -> Peer | None:
        fitting = [render for render in self.renders if family in render.families]
        best = min(fitting, key=lambda r: (self.clips.count(r.peer), self._load_of(r)), default=None)
        return best.peer if best is not None else None

    # both ways

    async def _assign(self, room: str, route: Route) -> None:
        if route.opening is None:
            return
        if route.render is None:
            family = str(route.opening.get("spec", {}).get("engine", ""))
            fitting = [r for r in self.renders if family in r.families and self._load_of(r) < r.capacity]
            if not fitting:
                log.info("room %s waits for a render process that shows %r", room, family)
                return
            route.render = min(fitting, key=self._load_of)
        await route.render.peer.send_text(route.opening)

    def _load_of(self, render: RenderPeer) -> int:
        return sum(1 for route in self.routes.values() if route.render is render)

    async def _close(self, room: str) -> None:
        route = self.routes.pop(room, None)
        self.playheads.pop(room, None)
        self.hub.close_room(room)
        if route is not None and route.render is not None:
            await route.render.peer.send_text({"type": "room.close", "room": room})

    async def want_room(self, room: str) -> None:
        """All pictures come through here anyway."""

    async def forget_room(self, room: str) -> None:
        """As above."""

    async def ask_keyframe(self, room: str) -> None:
        """A viewer cannot go on without a key frame."""
        route = self.routes.get(room)
        if route is not None and route.render is not None:
            await route.render.peer.send_text({"type": "keyframe", "room": room})

    async def tell_stage(self, room: str, message: dict[str, Any]) -> None:
        """Pass what the hub saw (displayed, delivered, audience) to the stage that holds the room."""
        route = self.routes.get(room)
        if route is not None and route.stage is not None:
            await route.stage.send_text({**message, "room": room})

    async def tell_chatters(self, room: str, count: int) -> None:
        """So many chat with the room: its pages are told."""
        await self.send_event(room, {"type": "viewers", "count": count})

    def viewer_count(self, room: str) -> int:
        """Media viewers of the room."""
        return self.hub.viewer_count(room)

    async def close(self) -> None:
        """Forget everything."""
        for task in self._sweeps:
            task.cancel()
        self.routes.clear()
        self.renders.clear()
        self.clips.clear()


async def put_on_air(air: Air, frame: wire.BinaryFrame) -> None:
    """Hand a render's binary frame to `air`. Raises `WireError`, KeyError or ValueError for one that is malformed."""
    envelope = MediaEnvelope.unpack(frame.payload)
    if frame.kind is wire.Kind.MEDIA:
        await air.publish(frame.room, envelope)
    elif frame.kind is wire.Kind.IDLE_CLIP:
        air.put_idle_clip(frame.room, int(frame.header["index"]), int(frame.header["count"]), envelope)
