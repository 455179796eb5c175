"""The mouth of one turn: its sentences go to render in order, and what was heard of each comes back to its row."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from avatar_engine.client import Presenter, RenderLost
from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS, samples_to_ms
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.wire import unpack_mark
from chat import speech_events
from chat.heard import build_heard, estimate_ms
from chat.models import Sentence, Turn

log = logging.getLogger(__name__)

LAST_WORD_S = 2.0
RENDER_WAIT_S = 30.0
INBOX_MESSAGES = 256
Speak = Callable[[str], AsyncGenerator[AudioChunk]]


@dataclass(slots=True)
class Flying:
    """A sentence on its way. `epoch` is the render run it was sent to."""

    row: Sentence
    epoch: int
    marks: tuple[Mark, ...] = ()
    sent: bool = False
    captioned: bool = False
    adopted: bool = False
    started: bool = False


class Speaker:
    """Speaks the sentences of one turn.

    `add` rows, then `finish`; `run` returns when every row has an end state. A row says on_air before its first
    sample is sent. When render goes away, what had started is cut and what had not is said by the next one.
    """

    def __init__(
        self,
        presenter: Presenter,
        turn: Turn,
        persona: str,
        generation: int,
        speak: Speak,
        stamp: Callable[[str], None],
    ) -> None:
        self._presenter = presenter
        self._turn = turn
        self._persona = persona
        self._generation = generation
        self._speak = speak
        self._stamp = stamp
        self._waiting: deque[Sentence] = deque()
        self._flying: dict[int, Flying] = {}
        self._closed = False
        self._work = asyncio.Event()
        self._news = asyncio.Event()
        self._inbox: deque[dict[str, Any]] = deque(maxlen=INBOX_MESSAGES)
        self._reconciled = presenter.openings
        self._silent = False
        self.heard: list[str] = []
        self.first_pts: int | None = None
        self.end_pts: int | None = None

    def add(self, row: Sentence) -> None:
        """One more sentence, saved and in state written."""
        self._waiting.append(row)
        self._wake()

    def adopt(self, row: Sentence) -> None:
        """A sentence that was on air when an earlier stage process ended."""
        marks = tuple(unpack_mark(mark) for mark in row.marks)
        sent = row.duration_ms > 0
        self._flying[row.pk] = Flying(
            row, row.epoch or 0, marks, sent=sent, captioned=row.start_pts is not None, adopted=True
        )

    def finish(self) -> None:
        """No more sentences will be added."""
        self._closed = True
        self._wake()

    def take(self, message: dict[str, Any]) -> None:
        """A report or `interrupted` of the link, or `{"type": "ready"}` when a render process shows the room again."""
        self._inbox.append(message)
        self._news.set()

    @property
    def _done(self) -> bool:
        return self._closed and not self._waiting and not self._flying

    def _wake(self) -> None:
        self._work.set()
        self._news.set()

    async def run(self) -> None:
        """Speak everything. Cancel it to stop, then call `cut`. Raises TimeoutError where nobody renders for 30 s."""
        pushing = asyncio.create_task(self._push_all(), name=f"turn-{self._turn.pk}-push")
        pushing.add_done_callback(lambda _: self._news.set())
        try:
            while not self._done:
                await self._news.wait()
                self._news.clear()
                await self._take_all()
                if pushing.done() and not self._done:
                    pushing.result()
        finally:
            pushing.cancel()
            await asyncio.gather(pushing, return_exceptions=True)

    async def _take_all(self) -> None:
        while self._inbox:
            await self._take_now(self._inbox.popleft())

    # sending

    async def _push_all(self) -> None:
        while not self._done:
            if not self._waiting or self._reconciled != self._presenter.openings:
                self._work.clear()
                await self._work.wait()
                continue
            await asyncio.wait_for(self._presenter.ready.wait(), RENDER_WAIT_S)
            if self._reconciled != self._presenter.openings:
                continue
            row = self._waiting.popleft()
            try:
                await self._push(row)
            except RenderLost:
                log.info("turn %s: render went away during sentence %s", self._turn.pk, row.index)

    async def _push(self, row: Sentence) -> None:
        opening = self._presenter.openings
        flying = Flying(row, self._presenter.epoch)
        self._flying[row.pk] = flying
        row.state, row.epoch, row.start_pts = Sentence.State.ON_AIR, flying.epoch, None
        await row.asave(update_fields=["state", "epoch", "start_pts"])
        if self._presenter.openings != opening:
            return
        self._stamp("voice_sent")
        counted = _CountedSound(self._speak(row.text))
        try:
            await self._presenter.speak(
                row.pk,
                self._turn.pk,
                self._generation,
                counted.stream(flying),
                on_first=lambda: self._stamp("first_sound"),
            )
        except VoiceError as error:
            log.warning("turn %s: no voice for sentence %s: %s", self._turn.pk, row.index, error)
            if not counted.chunks and self._flying.get(row.pk) is flying:
                await self._settle(row, Sentence.State.CUT, "")
            return
        flying.sent = True
        row.duration_ms = counted.chunks * CHUNK_MS
        row.marks = [[m.kind, m.text, m.start_ms, m.end_ms] for m in flying.marks]
        await row.asave(update_fields=["duration_ms", "marks"])
        if not counted.chunks and self._flying.get(row.pk) is flying:
            await self._settle(row, Sentence.State.DROPPED, "")
        elif flying.started and not flying.captioned:
            self._caption(flying)

    # what comes back

    async def _take_now(self, message: dict[str, Any]) -> None:
        if message["type"] == "ready":
            await self._reconcile()
            return
        if message["type"] == "interrupted":
            self._silent = int(message["generation"]) > self._generation
            return
        flying = self._flying.get(int(message["sentence"]))
        if flying is not None:
            await self._take_report(flying, message)
        self._presenter.acknowledge(int(message["n"]))

    async def _take_report(self, flying: Flying, message: dict[str, Any]) -> None:
        row = flying.row
        at = (int(message["epoch"]), int(message["pts"]))
        if message["event"] == "started":
            await self._started(flying, message)
        elif message["event"] == "ended":
            heard_ms = float(message["heard_ms"])
            self.end_pts = int(message["pts"])
            whole = flying.sent and heard_ms >= row.duration_ms - CHUNK_MS
            heard = row.text if whole else self._heard(flying, heard_ms)
            await self._settle(row, Sentence.State.HEARD if whole else Sentence.State.CUT, heard, at)
        elif message["event"] == "cut":
            await self._settle(row, Sentence.State.CUT, self._heard(flying, float(message["heard_ms"])), at)

    async def _started(self, flying: Flying, message: dict[str, Any]) -> None:
        row = flying.row
        if flying.started:
            return
        row.start_pts = int(message["pts"])
        flying.started = True
        await row.asave(update_fields=["start_pts"])
        if self.first_pts is None:
            self.first_pts = row.start_pts
            self._turn.stamps.setdefault("first_frame", int(message["wall_ms"]) / 1000)
            self._presenter.tell(speech_events.speaking(self._turn, row))
        self._presenter.tell(speech_events.reply(self._turn, row, self._persona))
        if flying.sent:
            self._caption(flying)

    def _caption(self, flying: Flying) -> None:
        flying.captioned = True
        self._presenter.tell(speech_events.caption(flying.row, flying.marks))

    def _heard(self, flying: Flying, heard_ms: float) -> str:
        row = flying.row
        if not flying.sent:
            return build_heard(row.text, (), heard_ms, estimate_ms(row.text))
        return build_heard(row.text, flying.marks, heard_ms, row.duration_ms)

    async def _settle(
        self, row: Sentence, state: Sentence.State, heard: str, at: tuple[int, int] | None = None
    ) -> None:
        """Give a sentence its end state. `at`: epoch and pts from which on it is not heard, by default now.

        It stays flying until it is saved: the turn must not end, and cancel this, before.
        """
        row.state = state
        row.heard = heard
        await row.asave(update_fields=["state", "heard"])
        if self._flying.pop(row.pk, None) is None:
            return
        if heard:
            self.heard.append(heard)
        if state == Sentence.State.CUT:
            epoch, pts = at or (self._presenter.epoch, self._presenter.pts)
            self._presenter.tell(speech_events.interrupted(row, epoch, pts))
        self._wake()

    async def _reconcile(self) -> None:
        """Render is back. What it holds goes on; what had started elsewhere is cut; what had not is said again."""
        opening = self._presenter.openings
        for flying in sorted(self._flying.values(), key=lambda f: f.row.index, reverse=True):
            row = flying.row
            if self._flying.get(row.pk) is not flying:
                continue
            if flying.epoch == self._presenter.epoch and row.pk in self._presenter.held_sentences:
                continue
            if row.start_pts is not None or (flying.adopted and flying.epoch != self._presenter.epoch):
                heard_ms = self._last_heard_ms(flying)
                await self._settle(row, Sentence.State.CUT, self._heard(flying, heard_ms))
            else:
                self._waiting.appendleft(row)
                del self._flying[row.pk]
                row.state = Sentence.State.WRITTEN
                await row.asave(update_fields=["state"])
        self._reconciled = opening
        self._wake()

    def _last_heard_ms(self, flying: Flying) -> float:
        start = flying.row.start_pts
        return 0.0 if start is None else max(0.0, samples_to_ms(self._presenter.last_pts_of(flying.epoch) - start))

    async def cut(self) -> None:
        """After an interrupt: give every sentence its end state, waiting shortly for what render says was heard."""
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self._take_all()
                while self._flying and not self._silent and self._presenter.ready.is_set():
                    self._news.clear()
                    await self._news.wait()
                    await self._take_all()
        except TimeoutError:
            log.warning("turn %s: render did not say what was heard", self._turn.pk)
        for flying in list(self._flying.values()):
            await self._settle(flying.row, Sentence.State.CUT, self._heard(flying, self._last_heard_ms(flying)))
        for row in self._waiting:
            row.state = Sentence.State.DROPPED
            await row.asave(update_fields=["state"])
        self._waiting.clear()


class _CountedSound:
    """Counts chunks on their way, and lets the marks be known while the rest is still being spoken."""

    def __init__(self, sound: AsyncGenerator[AudioChunk]) -> None:
        self._sound = sound
        self.chunks = 0

    async def stream(self, flying: Flying) -> AsyncGenerator[AudioChunk]:
        async with aclosing(self._sound) as chunks:
            async for chunk in chunks:
                self.chunks += 1
                flying.marks += chunk.marks
                yield chunk
