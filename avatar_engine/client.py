"""What the stage process holds of one room's presenter: send speech, interrupt, hear what was performed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from avatar_engine import wire
from avatar_engine.errors import VoiceError
from avatar_engine.performer_spec import RoomSpec
from avatar_engine.timing import samples_to_ms
from avatar_engine.types import AudioChunk, Int16, Mark

log = logging.getLogger(__name__)

CREDIT_MS = 10_000
FIRST_BATCH_CHUNKS = 5
BATCH_CHUNKS = 25
NO_PCM: Int16 = np.zeros(0, np.int16)


class Link(Protocol):
    """The dialer's sending half."""

    def send_text(self, message: dict[str, Any]) -> None: ...

    def send_binary(self, frame: bytes) -> None: ...


class RenderLost(Exception):
    """The render process of this room went away while speech was on its way."""


class Presenter:
    """One room's presenter, wherever it is rendered.

    `ready` is set while a render process shows the room and has said what it still holds; `openings` counts how often
    that came about. The callbacks get what comes back: `on_ready`, `on_lost`, `on_report`, `on_silent`, `on_seen`.
    """

    def __init__(self, room: str, spec: RoomSpec, link: Link) -> None:
        self.room = room
        self.spec = spec
        self.ready = asyncio.Event()
        self.openings = 0
        self.epoch = 0
        self.pts = 0
        self.held_sentences: frozenset[int] = frozenset()
        self.viewers = 0
        self.trouble = ""
        self.on_report: Callable[[dict[str, Any]], None] = _ignore
        self.on_silent: Callable[[dict[str, Any]], None] = _ignore
        self.on_seen: Callable[[dict[str, Any]], None] = _ignore
        self.on_lost: Callable[[], None] = lambda: None
        self.on_ready: Callable[[], None] = lambda: None
        self._earlier: tuple[int, int] = (0, 0)
        self._opened = False
        self._link = link
        self._buffered_ms = 0
        self._sent_since_ms = 0
        self._moved = asyncio.Event()

    def open(self, generation: int) -> None:
        """Ask for the room to be shown; `ready` follows."""
        spec = asdict(self.spec)
        self._link.send_text({"type": "room.open", "room": self.room, "generation": generation, "spec": spec})

    def close(self) -> None:
        """Ask for the room to be taken off air."""
        self.ready.clear()
        self._link.send_text({"type": "room.close", "room": self.room})

    def interrupt(self, generation: int) -> None:
        """Drop all speech older than `generation`."""
        self._buffered_ms = self._sent_since_ms = 0
        self._moved.set()
        self._link.send_text({"type": "interrupt", "room": self.room, "generation": generation})

    def acknowledge(self, number: int) -> None:
        """Reports up to `number` are in the rows."""
        self._link.send_text({"type": "report.ack", "room": self.room, "n": number})

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event of the chat socket to every page of the room."""
        self._link.send_text({"type": "event", "room": self.room, "event": event})

    async def speak(
        self,
        sentence: int,
        turn: int,
        generation: int,
        sound: AsyncGenerator[AudioChunk],
        *,
        on_first: Callable[[], None] = lambda: None,
    ) -> None:
        """Push the sound of one sentence as fast as it comes, up to 10 s ahead.

        Returns when the last sample is sent, not when it is heard. Raises `RenderLost`, also where another render
        process is there by now, and what the voice raises; what was sent until then is then the whole sentence.
        """
        opening = self.openings
        fresh: list[Mark] = []
        batch: list[Int16] = []
        seq = 0

        async def push(*, last: bool) -> None:
            await self._wait_for_credit(opening)
            pcm = np.concatenate(batch) if batch else NO_PCM
            self._send(wire.Speech(self.room, generation, turn, sentence, seq, last, pcm, tuple(fresh)))

        async with aclosing(sound) as chunks:
            try:
                async for chunk in chunks:
                    if not seq and not batch:
                        on_first()
                    batch.append(chunk.pcm)
                    fresh.extend(chunk.marks)
                    if len(batch) >= (BATCH_CHUNKS if seq else FIRST_BATCH_CHUNKS):
                        await push(last=False)
                        batch, fresh, seq = [], [], seq + 1
            except VoiceError:
                # Render waits for the rest of a sentence that it has begun.
                if seq or batch:
                    await push(last=True)
                raise
        await push(last=True)

    async def _wait_for_credit(self, opening: int) -> None:
        while self._buffered_ms + self._sent_since_ms > CREDIT_MS and self.ready.is_set():
            self._moved.clear()
            await self._moved.wait()
        if not self.ready.is_set() or self.openings != opening:
            raise RenderLost(self.room)

    def _send(self, speech: wire.Speech) -> None:
        self._link.send_binary(wire.pack_speech(speech))
        self._sent_since_ms += round(samples_to_ms(len(speech.pcm)))

    def take(self, message: dict[str, Any]) -> None:
        """A message of the link that concerns this room."""
        kind = message["type"]
        if kind == "playhead":
            self._take_playhead(message)
        elif kind == "report":
            self.on_report(message)
        elif kind == "interrupted":
            self.on_silent(message)
        elif kind == "room.opened":
            self._take_opened(message)
        elif kind == "room.failed":
            self.trouble = str(message.get("reason", ""))
            log.warning("room %s is not shown: %s", self.room, self.trouble)
            self._take_lost()
        elif kind == "render.lost":
            self._take_lost()
        elif kind == "audience":
            self.viewers = int(message["viewers"])
        elif kind in ("displayed", "delivered"):
            self.on_seen(message)

    def _take_opened(self, message: dict[str, Any]) -> None:
        epoch = int(message["epoch"])
        if self.ready.is_set():
            self._take_lost()
        if epoch != self.epoch:
            self._earlier = (self.epoch, self.pts)
        self.epoch = epoch
        self.pts = int(message["pts"])
        self.trouble = ""
        self._opened = True

    def _take_playhead(self, message: dict[str, Any]) -> None:
        if int(message["epoch"]) != self.epoch:
            return
        self.pts = int(message["pts"])
        self.held_sentences = frozenset(int(s) for s in message.get("sentences", []))
        self._buffered_ms = int(message["buffered_ms"])
        self._sent_since_ms = 0
        self._moved.set()
        if self._opened:
            self._opened = False
            self.openings += 1
            self.ready.set()
            self.on_ready()

    def _take_lost(self) -> None:
        was_ready = self.ready.is_set()
        self.ready.clear()
        self._moved.set()
        if was_ready:
            self.on_lost()

    def last_pts_of(self, epoch: int) -> int:
        """How far `epoch` is known to have come; 0 where nothing is known of it."""
        if epoch == self.epoch:
            return self.pts
        return self._earlier[1] if epoch == self._earlier[0] else 0

    def link_down(self) -> None:
        """Web is away. Render may still perform; until the link is back nothing can be sent."""
        self._take_lost()


def _ignore(_: object) -> None:
    """Nobody listens."""
