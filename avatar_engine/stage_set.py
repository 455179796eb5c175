"""The rooms that one render process performs: engines loaded once, one performer a room."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from avatar_engine.features.registry import load_extractor
from avatar_engine.idle_clip import send_idle_clip
from avatar_engine.lipsync.base import FeatureExtractor, LipSyncEngine
from avatar_engine.lipsync.registry import load_engine_class
from avatar_engine.performer import Performer
from avatar_engine.performer_spec import RoomSpec
from avatar_engine.stream.encoder import StreamEncoder
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.stream.registry import build_encoder

log = logging.getLogger(__name__)

KEPT_IDLE_ENGINES = 1

SendMedia = Callable[[str, MediaEnvelope], None]
SendClip = Callable[[str, int, int, MediaEnvelope], None]
Send = Callable[[dict[str, Any]], None]


class StageSet:
    """Opens and closes performers. Owns engines, extractors and tasks; `close` ends them."""

    def __init__(
        self, data_dir: Path, device: str, *, send: Send, send_media: SendMedia, send_clip: SendClip, encoder: str
    ) -> None:
        self._data_dir = data_dir
        self._device = device
        self._send = send
        self._send_media = send_media
        self._send_clip = send_clip
        self._encoder = encoder
        self._engines: OrderedDict[tuple[str, str], LipSyncEngine] = OrderedDict()
        self._extractors: dict[str, FeatureExtractor] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._opening = asyncio.Lock()
        self.performers: dict[str, Performer] = {}

    async def open(self, room: str, spec: RoomSpec, generation: int) -> None:
        """Put `room` on air, or say why not with `room.failed`. Asking again with the same spec keeps the epoch."""
        async with self._opening:
            known = self.performers.get(room)
            if known is not None and known.spec == spec:
                performer = known
                performer.truncate()
                performer.interrupt(generation)
            else:
                await self._end(room)
                try:
                    performer, clip = await asyncio.to_thread(self._build, room, spec, generation)
                except Exception as error:  # the edge of one room: an engine may fail in its own way
                    log.exception("room %s cannot be shown", room)
                    self._send({"type": "room.failed", "room": room, "reason": str(error)})
                    return
                self._start(performer, clip)
            self._send({"type": "room.opened", "room": room, "epoch": performer.epoch, "pts": performer.pts})
            for report in performer.reports.unacknowledged:
                self._send(report)
            self._send(performer.build_playhead())

    async def lend(self, family: str, avatar: str) -> tuple[LipSyncEngine, FeatureExtractor]:
        """What rooms of that family and avatar draw with, for a clip. Raises what the engine raises."""
        async with self._opening:
            return await asyncio.to_thread(self._load, family, avatar)

    @property
    def is_pressed(self) -> bool:
        """Whether a room has no time to spare."""
        return any(performer.is_pressed for performer in self.performers.values())

    def _load(self, family: str, avatar: str) -> tuple[LipSyncEngine, FeatureExtractor]:
        key = (family, avatar)
        if key not in self._engines:
            folder = self._data_dir / "avatars" / avatar if avatar else None
            self._forget_engines()
            self._engines[key] = load_engine_class(family).load(folder, self._device)
        self._engines.move_to_end(key)
        engine = self._engines[key]
        name = engine.capabilities.features
        if name not in self._extractors:
            self._extractors[name] = load_extractor(name, self._data_dir / "weights")
        return engine, self._extractors[name]

    def _forget_engines(self) -> None:
        """Make place for one more: of engines that no room uses, the latest stays, since rooms are opened again."""
        used = {(performer.spec.engine, performer.spec.avatar) for performer in self.performers.values()}
        idle = [key for key in self._engines if key not in used]
        for key in idle[:-KEPT_IDLE_ENGINES]:
            del self._engines[key]

    def _build_encoder(self, spec: RoomSpec) -> StreamEncoder:
        return build_encoder(self._encoder, spec.width, spec.height, video_kbps=spec.video_kbps or None)

    def _build(self, room: str, spec: RoomSpec, generation: int) -> tuple[Performer, Coroutine[Any, Any, None]]:
        """The performer and the making of its idle clip, neither begun. Slow: call it off the event loop."""
        engine, extractor = self._load(spec.engine, spec.avatar)
        performer = Performer(
            room,
            spec,
            generation,
            engine,
            extractor,
            self._build_encoder(spec),
            send_media=lambda envelope: self._send_media(room, envelope),
            send=self._send,
        )
        clip = send_idle_clip(
            engine, spec, self._build_encoder(spec), lambda i, n, envelope: self._send_clip(room, i, n, envelope)
        )
        return performer, clip

    def _start(self, performer: Performer, clip: Coroutine[Any, Any, None]) -> None:
        self.performers[performer.room] = performer
        self._tasks[performer.room] = [
            asyncio.create_task(self._run(performer), name=f"performer-{performer.room}"),
            asyncio.create_task(clip, name=f"idle-clip-{performer.room}"),
        ]

    async def _run(self, performer: Performer) -> None:
        try:
            await performer.run()
        except Exception:  # the edge of one room's loop: the other rooms go on
            log.exception("room %s stopped performing", performer.room)
            self.performers.pop(performer.room, None)
            self._send({"type": "room.failed", "room": performer.room, "reason": "the performer stopped"})

    def hold(self) -> None:
        """Nobody can be reached: no speech will come, and what is here waits until somebody can hear it."""
        for performer in self.performers.values():
            performer.truncate()
            performer.is_held = True

    def go_on(self) -> None:
        """Web is back."""
        for performer in self.performers.values():
            performer.is_held = False

    async def close_room(self, room: str) -> None:
        """Take `room` off air, after an opening of it that is under way."""
        async with self._opening:
            await self._end(room)

    async def _end(self, room: str) -> None:
        self.performers.pop(room, None)
        tasks = self._tasks.pop(room, [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Take every room off air."""
        for room in list(self._tasks):
            await self._end(room)
