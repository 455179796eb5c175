"""Web, stage and render of the clip service in one process: real routes, jobs and voices around fake networks."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

from avatar_engine import wire
from avatar_engine.clips.jobs import ClipJobs
from avatar_engine.clips.wire import unpack_sound
from avatar_engine.features.registry import load_extractor
from avatar_engine.voice.chain import VoiceChain
from chat.clip_voice import ClipVoice
from frontend.clip_debug import DebugStore
from frontend.clip_desk import ClipDesk
from frontend.clip_service import ClipService
from frontend.switchboard import Switchboard
from tests.fakes.engine import FakeEngine
from tests.fakes.voice import FakeVoice

_ROLES = itertools.count()


class ClipPeer:
    """The far end of a link: what it says arrives in order, a moment later."""

    def __init__(self, relay: Switchboard, role: str) -> None:
        self.name = f"{role}-{next(_ROLES)}"
        self.texts: list[dict[str, Any]] = []
        self._relay = relay
        self._role = role
        self._said: asyncio.Queue[dict[str, Any] | bytes] = asyncio.Queue()
        self._task = asyncio.create_task(self._pass_on())

    def say(self, message: dict[str, Any] | bytes) -> None:
        self._said.put_nowait(message)

    async def _pass_on(self) -> None:
        while True:
            message = await self._said.get()
            if isinstance(message, dict):
                take = self._relay.take_stage_text if self._role == "stage" else self._relay.take_render_text
                await take(self, message)
            elif self._role == "stage":
                await self._relay.take_stage_binary(self, wire.unpack_binary(message), message)
            else:
                await self._relay.take_render_binary(self, wire.unpack_binary(message))

    async def hang_up(self) -> None:
        self._task.cancel()

    def stop(self) -> None:
        self._task.cancel()


class RenderPeer(ClipPeer):
    """A render process that draws clips with a fake network."""

    def __init__(self, relay: Switchboard) -> None:
        super().__init__(relay, "render")
        self.error: Exception | None = None
        self.jobs = ClipJobs(self._lend, lambda: False, send=self.say, send_binary=self.say)

    async def _lend(self, family: str, avatar: str) -> Any:
        if self.error is not None:
            raise self.error
        return FakeEngine(), load_extractor("spectral")

    async def send_text(self, message: dict[str, Any]) -> None:
        self.texts.append(message)
        if message["type"] == "clip.open":
            self.jobs.open(message)
        elif message["type"] == "clip.credit":
            self.jobs.take_credit(message["clip"], message["until"])
        elif message["type"] == "clip.close":
            self.jobs.drop(message["clip"])

    async def send_binary(self, data: bytes) -> None:
        self.jobs.take_sound(unpack_sound(wire.unpack_binary(data)))


class StagePeer(ClipPeer):
    """A stage process that speaks with a fake voice."""

    def __init__(self, relay: Switchboard) -> None:
        super().__init__(relay, "stage")
        self.voice = FakeVoice()
        chain = VoiceChain([self.voice], asyncio.get_running_loop().time)
        self.clip_voice = ClipVoice(lambda: chain, send=self.say, send_binary=self.say)

    async def send_text(self, message: dict[str, Any]) -> None:
        self.texts.append(message)
        if message["type"].startswith("clip."):
            self.clip_voice.take(message)

    async def send_binary(self, data: bytes) -> None:
        raise AssertionError("web sends no binary frame to stage")


class ClipSystem:
    """`relay` is where the page asks; the processes dial `render_at` and `stage_at`, by default the same."""

    def __init__(self, relay: Switchboard, data_dir: Path) -> None:
        self.relay = relay
        self.desk = ClipDesk(relay)
        self.service = ClipService(self.desk, DebugStore(data_dir / "debug"), asyncio.get_running_loop().time)
        self.render: RenderPeer | None = None
        self.stage: StagePeer | None = None

    async def start(self, *, render_at: Switchboard | None = None, stage_at: Switchboard | None = None) -> None:
        await self.start_render(render_at or self.relay)
        stage_at = stage_at or self.relay
        self.stage = StagePeer(stage_at)
        await stage_at.add_stage(self.stage)

    async def start_render(self, relay: Switchboard) -> None:
        self.render = RenderPeer(relay)
        hello = {"type": "hello", "families": ["synctalk_2d"], "capacity": 2, "rooms": []}
        await relay.add_render(self.render, hello)

    async def close(self) -> None:
        if self.render is not None:
            await self.render.jobs.close()
            self.render.stop()
        if self.stage is not None:
            await self.stage.clip_voice.close()
            self.stage.stop()
