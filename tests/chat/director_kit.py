"""A director with real rows, model chain, voices, memory and render, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async

from avatar_engine.client import Presenter
from avatar_engine.voice.chain import VoiceChain
from chat import director as director_module
from chat.director import Director
from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.chain import ModelChain
from chat.models import Message, Room, Turn
from chat.turn import Tools
from memory.ring import RingStore
from tests.chat.stage_kit import build_room
from tests.fakes.clock import settle, virtual_loop
from tests.fakes.link import FakeLink
from tests.fakes.render import SPEC
from tests.fakes.voice import FakeVoice

ANSWER = "I am Mira and I like rain. It makes the roof sing all night long."


class ScriptedModel:
    """Answers with `answer` a word at a time, or fails; keeps the prompts that it got."""

    name = "scripted"

    def __init__(self) -> None:
        self.answer = ANSWER
        self.fails = False
        self.word_s = 0.01
        self.prompts: list[list[PromptMessage]] = []

    async def stream(self, messages: list[PromptMessage]) -> AsyncGenerator[str]:
        self.prompts.append(messages)
        for word in self.answer.split(" "):
            await asyncio.sleep(self.word_s)
            if self.fails:
                raise ChatModelError("the model is down", retryable=True)
            yield f"{word} "

    async def close(self) -> None:
        pass


class VirtualClock:
    """Stands for the module `time` in the director."""

    @staticmethod
    def monotonic() -> float:
        return virtual_loop().time()


class Show:
    """One room on air."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.link = FakeLink()
        self.model = ScriptedModel()
        self.voice = FakeVoice()
        self.memory = RingStore()
        self.tools = Tools(
            ModelChain([self.model], virtual_loop().time), VoiceChain([self.voice], virtual_loop().time), self.memory
        )
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        room = await Room.objects.aget(pk=self.room.pk)
        self.presenter = Presenter(room.slug, SPEC, self.link)
        if self.link.render is None:
            self.link.attach(self.presenter)
        else:
            self.link.lose_stage(self.presenter)
        self.director = Director(room, self.presenter, self.tools)
        self.task = asyncio.create_task(self.director.run())
        if self.link.render is None:
            await self.link.start_render()
        await settle()

    async def die(self) -> None:
        """The stage process ends at once; its rows stay as they are."""
        assert self.task is not None
        self.presenter.on_report = self.presenter.on_silent = self.presenter.on_seen = lambda _: None
        self.presenter.on_ready = self.presenter.on_lost = lambda: None
        runner = self.director._runner
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        if runner is not None:
            runner.speaker.take = lambda _: None  # type: ignore[method-assign]
        await settle()

    async def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """A service, as web calls it, and the nudge that follows."""
        result = await sync_to_async(function)(*args, **kwargs)
        self.director.nudge()
        return result

    def watch(self, viewers: int) -> None:
        self.presenter.take({"type": "audience", "room": self.room.slug, "viewers": viewers})

    async def run(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def turns(self) -> list[tuple[str, str]]:
        return [(turn.kind, turn.state) async for turn in Turn.objects.order_by("id")]

    async def message(self, pk: int) -> Message:
        return await Message.objects.aget(pk=pk)

    @property
    def replies(self) -> list[str]:
        return [event["text"] for event in self.link.events_of("reply")]

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if self.link.render is not None:
            await self.link.render.close()
        await self.tools.voices.close()


@asynccontextmanager
async def on_air(monkeypatch: Any, **fields: Any):
    """A show that runs."""
    monkeypatch.setattr(director_module, "time", VirtualClock)
    room = await sync_to_async(build_room)(**fields)
    show = Show(room)
    try:
        await show.start()
        yield show
    finally:
        await show.close()
