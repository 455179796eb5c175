"""One room on air: picks what is said next, runs it, and stops it when something more important comes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.utils import timezone

from avatar_engine.client import Presenter
from chat import queue, services, speech_events
from chat.models import Room, Sentence, Turn
from chat.stamps import Stamps
from chat.turn import Tools, TurnRunner

log = logging.getLogger(__name__)

POLL_S = 1.0
GREET_AGAIN_S = 600.0
ASK_AGAIN_S = 5.0
SEEN_MESSAGES = 32


class Director:
    """Runs turns of one room, one at a time. The generation in the room's row says what is stale."""

    def __init__(self, room: Room, presenter: Presenter, tools: Tools) -> None:
        self.room = room
        self._presenter = presenter
        self._tools = tools
        self._generation = room.generation
        self._wake = asyncio.Event()
        self._runner: TurnRunner | None = None
        self._idle_number = 0
        self._quiet_since = time.monotonic()
        self._greeted_at = -GREET_AGAIN_S
        self._had_viewers = False
        self._asked_at = 0.0
        self.on_quiet: Callable[[], None] = lambda: None
        self._is_read_ahead = True
        self._is_lost = False
        self._seen: deque[dict[str, Any]] = deque(maxlen=SEEN_MESSAGES)
        presenter.on_report = self._take_report
        presenter.on_ready = self._take_ready
        presenter.on_lost = self._take_lost
        presenter.on_silent = self._take_silent
        presenter.on_seen = self._take_seen

    def nudge(self) -> None:
        """A row may have changed: look now."""
        self._wake.set()

    def reopen(self) -> None:
        """Web is back: claim the room there again."""
        self._presenter.open(self._generation)

    async def run(self) -> None:
        """Until the room goes off air, is deleted or the task is cancelled.

        Rows are left so that another stage can go on.
        """
        try:
            await self._run_turns()
        except Room.DoesNotExist:
            log.warning("room %s was deleted while it was on air", self.room.slug)
        self._presenter.tell(speech_events.state("off_air"))
        self._presenter.close()

    async def _run_turns(self) -> None:
        unfinished = await sync_to_async(queue.list_unfinished)(self.room)
        self._presenter.open(self._generation)
        for turn, rows in unfinished:
            await self._resume(turn, rows)
        while await self._look():
            picked = await self._pick()
            if picked is None:
                self._read_ahead()
                await self._rest()
            else:
                await self._perform(picked)

    def _read_ahead(self) -> None:
        """Nothing waits after a turn: the language model may read what the next prompt begins with."""
        if not self._is_read_ahead:
            self._is_read_ahead = True
            self.on_quiet()

    async def _look(self) -> bool:
        """Read the room's row; False where it is no longer to be on air."""
        await self.room.arefresh_from_db()
        self._ask_again()
        if self.room.generation > self._generation:
            self._generation = self.room.generation
            self._presenter.interrupt(self._generation)
        return self.room.is_on_air

    def _ask_again(self) -> None:
        """Open the room again some time after render said that it cannot show it, or that it stopped."""
        now = time.monotonic()
        if not self._presenter.trouble:
            self._asked_at = now
        elif now - self._asked_at >= ASK_AGAIN_S:
            self._asked_at = now
            self._presenter.open(self._generation)

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), POLL_S)
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    # choosing

    async def _pick(self) -> Turn | None:
        if not self._presenter.ready.is_set():
            return None
        turn = await sync_to_async(queue.next_turn)(self.room)
        if turn is not None:
            return turn
        text = self._idle_text()
        return await sync_to_async(queue.create_idle_turn)(self.room, text) if text else None

    def _idle_text(self) -> str:
        """A greeting when somebody comes to an empty room, an idle line after a set silence, or nothing."""
        now = time.monotonic()
        came, self._had_viewers = not self._had_viewers, self._presenter.viewers > 0
        if not self._had_viewers:
            self._quiet_since = now
            return ""
        if came and now - self._greeted_at >= GREET_AGAIN_S:
            self._greeted_at = now
            return self.room.greeting
        if now - self._quiet_since < self.room.idle_after_s or not self.room.idle_lines:
            return ""
        line = self.room.idle_lines[self._idle_number % len(self.room.idle_lines)]
        self._idle_number += 1
        return str(line)

    # running

    async def _perform(self, turn: Turn) -> None:
        structlog.contextvars.bind_contextvars(turn=turn.pk)
        runner = TurnRunner(self.room, turn, self._presenter, self._generation, self._tools)
        self._presenter.tell(speech_events.state("thinking" if turn.message else "idle", turn.message))
        if turn.message is not None:
            self._greeted_at = time.monotonic()  # whoever is being answered needs no greeting after it
            self._presenter.tell(speech_events.message_state(turn.message))
        await self._run(runner, asyncio.create_task(runner.run(), name=f"turn-{turn.pk}"))

    async def _resume(self, turn: Turn, rows: list[Sentence]) -> None:
        if not rows and turn.message is None:
            await self._perform(turn)
            return
        runner = TurnRunner(self.room, turn, self._presenter, self._generation, self._tools)
        runner.resume(rows)
        turn.happened.append({"what": "resumed", "at": timezone.now().isoformat()})
        await self._run(runner, asyncio.create_task(runner.run_resumed(), name=f"turn-{turn.pk}-resumed"))

    async def _run(self, runner: TurnRunner, task: asyncio.Task[None]) -> None:
        self._runner = runner
        state, stopped_by = Turn.State.FINISHED, ""
        try:
            stopped_by = await self._watch(runner.turn, task)
            if stopped_by:
                state = Turn.State.INTERRUPTED
                await self._stop(runner, task, stopped_by)
            else:
                task.result()
        except Exception:  # the edge of one turn: the room goes on with the next
            log.exception("turn %s failed", runner.turn.pk)
            state = Turn.State.FAILED
            await self._stop(runner, task, "failure")
        finally:
            if not task.done():
                task.cancel()
            self._runner = None
        await self._finish(runner, state, stopped_by)

    async def _watch(self, turn: Turn, task: asyncio.Task[None]) -> str:
        """Wait for the turn; returns who wants it stopped, or an empty string where it came to its end."""
        while not task.done():
            waker = asyncio.create_task(self._wake.wait())
            await asyncio.wait({task, waker}, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
            waker.cancel()
            self._wake.clear()
            if task.done():
                break
            await self.room.arefresh_from_db()
            self._ask_again()
            if self.room.generation > self._generation or not self.room.is_on_air:
                return "operator"
            rank = await sync_to_async(queue.waiting_rank)(self.room)
            if rank > queue.RANK[Turn.Kind(turn.kind)]:
                return "higher priority"
        return ""

    async def _stop(self, runner: TurnRunner, task: asyncio.Task[None], why: str) -> None:
        if why != "operator":
            await sync_to_async(services.interrupt)(self.room)
        self._generation = self.room.generation
        self._presenter.interrupt(self._generation)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runner.speaker.cut()

    async def _finish(self, runner: TurnRunner, state: Turn.State, stopped_by: str) -> None:
        turn = runner.turn
        self._stamp_seen(runner)
        await runner.close()
        message = await sync_to_async(queue.end_turn)(turn, state, stopped_by=stopped_by)
        if message is not None:
            self._presenter.tell(speech_events.message_state(message))
        epoch, pts = self._presenter.epoch, runner.speaker.end_pts
        self._presenter.tell(speech_events.state("idle", epoch=epoch if pts else None, pts=pts))
        self._quiet_since = time.monotonic()
        self._is_read_ahead = False

    # what comes back from render and the hub

    def _take_report(self, report: dict[str, Any]) -> None:
        if self._runner is not None:
            self._runner.speaker.take(report)
        else:
            self._presenter.acknowledge(int(report["n"]))

    def _take_silent(self, message: dict[str, Any]) -> None:
        if self._runner is not None:
            self._runner.speaker.take(message)

    def _take_ready(self) -> None:
        if self._runner is not None:
            self._runner.speaker.take({"type": "ready"})
        elif self._is_lost:
            self._presenter.tell(speech_events.state("idle"))
        self._is_lost = False
        self._wake.set()

    def _take_lost(self) -> None:
        self._is_lost = True
        self._presenter.tell(speech_events.state("starting"))

    def _take_seen(self, message: dict[str, Any]) -> None:
        self._seen.append(message)
        if self._runner is not None:
            self._stamp_seen(self._runner)

    def _stamp_seen(self, runner: TurnRunner) -> None:
        """Stamp delivered and displayed; what the hub saw may come before render's report of the same frame."""
        first_pts = runner.speaker.first_pts
        if first_pts is None:
            return
        for message in self._seen:
            if int(message["epoch"]) == self._presenter.epoch and int(message["pts"]) >= first_pts:
                Stamps(runner.turn)(str(message["type"]), float(message["wall_ms"]) / 1000)
