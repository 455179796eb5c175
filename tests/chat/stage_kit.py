"""A room with rows, a presenter and a render process in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from asgiref.sync import sync_to_async
from django.utils import timezone

from avatar_engine.client import Presenter
from avatar_engine.lipsync.base import Capabilities
from avatar_engine.types import AudioChunk
from chat import services
from chat.acceptance import accept_message
from chat.models import Message, Room, Sentence, Turn, Viewer
from chat.speaker import Speaker
from chat.stamps import Stamps
from tests.fakes.clock import settle
from tests.fakes.link import FakeLink
from tests.fakes.render import SPEC
from tests.fakes.voice import FakeVoice

THREE = ("One two three four five.", "Six seven eight nine ten.", "Eleven twelve thirteen fourteen fifteen.")


def build_room(**fields: Any) -> Room:
    return Room.objects.create(**({"slug": "room", "title": "A room", "is_on_air": True} | fields))


def build_message(room: Room, text: str = "Hello?", *, client_id: str = "c1", viewer: Viewer | None = None) -> Message:
    viewer = viewer or services.create_viewer("Leo")[0]
    message, _, _ = accept_message(room, viewer, viewer.display_name, client_id, text, timezone.now())
    return message


class SlowVoice:
    """100 ms of sound a word; `first_s` until the first chunk, `chunk_s` between chunks, failures on demand."""

    def __init__(self, first_s: float = 0.0, chunk_s: float = 0.0) -> None:
        self.voice = FakeVoice()
        self.first_s = first_s
        self.chunk_s = chunk_s
        self.said: list[str] = []

    async def speak(self, text: str) -> AsyncGenerator[AudioChunk]:
        self.said.append(text)
        await asyncio.sleep(self.first_s)
        async for chunk in self.voice.speak(text):
            await asyncio.sleep(self.chunk_s)
            yield chunk

    def fail(self, after_chunks: int) -> None:
        self.voice.fail_after = after_chunks


class Talk:
    """One turn with its speaker, wired as the director wires it."""

    def __init__(self, room: Room, link: FakeLink, voice: SlowVoice) -> None:
        self.room = room
        self.link = link
        self.voice = voice
        self.turn = Turn.objects.create(room=room, kind=Turn.Kind.VIEWER, state=Turn.State.RUNNING)
        self.generation = room.generation
        self.presenter = Presenter(room.slug, SPEC, link)
        self.task: asyncio.Task[None] | None = None

    async def start(self, texts: tuple[str, ...] = THREE) -> None:
        """Open the room, then speak `texts`."""
        self.connect()
        self.presenter.open(self.generation)
        await settle()
        self.speak()
        for index, text in enumerate(texts):
            row = await Sentence.objects.acreate(turn=self.turn, index=index, text=text)
            self.speaker.add(row)
        self.speaker.finish()

    def connect(self) -> None:
        self.link.attach(self.presenter)

    def speak(self) -> None:
        self.speaker = Speaker(self.presenter, self.turn, "Mira", self.generation, self.voice.speak, Stamps(self.turn))
        self.presenter.on_report = self.presenter.on_silent = self.speaker.take
        self.presenter.on_ready = lambda: self.speaker.take({"type": "ready"})
        self.task = asyncio.create_task(self.speaker.run())

    async def take_over(self) -> None:
        """The stage process dies, and another one goes on from the rows."""
        await self.die()
        self.presenter = Presenter(self.room.slug, SPEC, self.link)
        self.link.lose_stage(self.presenter)
        rows = [row async for row in self.turn.sentences.all()]
        self.presenter.open(self.generation)
        self.speak()
        for row in rows:
            if row.state == Sentence.State.ON_AIR:
                self.speaker.adopt(row)
            elif row.state == Sentence.State.WRITTEN:
                self.speaker.add(row)
        self.speaker.finish()

    async def die(self) -> None:
        """The stage process ends without a last word."""
        assert self.task is not None
        self.presenter.on_report = self.presenter.on_silent = lambda _: None
        self.presenter.on_ready = lambda: None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def wait(self, seconds: float = 30) -> None:
        assert self.task is not None
        await asyncio.wait_for(self.task, seconds)

    async def interrupt(self) -> None:
        """As the director: a new generation, no more speech, an end state for every row."""
        assert self.task is not None
        self.generation += 1
        self.presenter.interrupt(self.generation)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.speaker.cut()

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if self.link.render is not None:
            await self.link.render.close()

    async def rows(self) -> list[tuple[str, str]]:
        """State and words heard of each sentence."""
        return [(row.state, row.heard) async for row in self.turn.sentences.all()]

    async def states(self) -> list[str]:
        return [state for state, _ in await self.rows()]

    async def begun(self) -> list[int]:
        """How many times the sound of each sentence was begun to be sent."""
        sent = [speech.sentence for speech in self.link.speech() if speech.seq == 0]
        return [sent.count(row.pk) async for row in self.turn.sentences.all()]


@sync_to_async
def build_talk(voice: SlowVoice | None = None, capabilities: Capabilities | None = None) -> Talk:
    """A talk whose render is not started yet."""
    return Talk(build_room(), FakeLink(capabilities), voice or SlowVoice())
