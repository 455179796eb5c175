"""The stage process: leases rooms, runs a director for each, and talks to web."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError

from avatar_engine import wire
from avatar_engine.client import Presenter
from avatar_engine.dialer import LinkDialer
from avatar_engine.errors import FootlightError
from avatar_engine.performer_spec import RoomSpec
from avatar_engine.voice.chain import VoiceChain
from avatar_engine.voice.registry import DEFAULT_CHAIN
from avatar_engine.voice.registry import build_chain as build_voices
from chat import leases
from chat.clip_voice import ClipVoice
from chat.director import Director
from chat.history import remember_history
from chat.llm.registry import build_chain
from chat.llm.slot import ModelSlot
from chat.models import Room
from chat.prompt import build_history
from chat.turn import Tools
from chat.warmer import ModelWarmer
from memory.ring import RingStore
from mysite.env import Env

log = logging.getLogger(__name__)

LEASE_LOOP_S = 1.0
MOST_ROOMS = 16
LAST_VOICE = "silence"
"""Speaks every language: a room whose voices speak none of what is said goes on with captions."""


@dataclass(slots=True)
class RoomOnAir:
    """A leased room with what runs it."""

    room: Room
    presenter: Presenter
    director: Director
    tools: Tools
    task: asyncio.Task[None]


class StageProcess:
    """Owns the link, the voices, the memory and the directors of this process."""

    def __init__(self, env: Env, link_url: str, name: str) -> None:
        self._env = env
        self._name = name
        self._memory = RingStore()
        self._voices: dict[str, VoiceChain] = {}
        self._rooms: dict[str, RoomOnAir] = {}
        self._refused: dict[int, str] = {}
        self._wake = asyncio.Event()
        self._slot = ModelSlot()
        self._warmer = ModelWarmer(env.llm_port, self._slot)
        self._dialer = LinkDialer(
            link_url,
            env.link_token(),
            "stage",
            name,
            hello=self._build_hello,
            on_text=self._take_text,
            on_binary=_refuse_binary,
            on_up=self._link_up,
            on_down=self._link_down,
        )
        self._clip_voice = ClipVoice(
            lambda: self._voices_of([]), send=self._dialer.send_text, send_binary=self._dialer.send_binary
        )

    async def run(self) -> None:
        """Serve until cancelled; leases are given back at the end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._voices_of([]).warm(), name="warm-voices")
            group.create_task(self._dialer.run(), name="link")
            if self._env.runs_llm:  # else another program may have that port, and prompts are not for it
                group.create_task(self._warmer.run(), name="warmer")
            group.create_task(self._lease_loop(), name="leases")

    async def close(self) -> None:
        """Stop the directors and free what they used."""
        for slug in list(self._rooms):
            await self._drop(slug, release=True)
        await self._clip_voice.close()
        for chain in self._voices.values():
            await chain.close()
        await self._warmer.close()

    # leases

    async def _lease_loop(self) -> None:
        while True:
            try:
                await self._keep_leases()
            except DatabaseError as error:
                # A full disk says so every second: a line each, not a page.
                log.error("the database did not take it, leases are tried again: %s", error)
            try:
                await asyncio.wait_for(self._wake.wait(), LEASE_LOOP_S)
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

    async def _keep_leases(self) -> None:
        for slug, on_air in list(self._rooms.items()):
            if on_air.task.done():
                await self._drop(slug, release=True)
            elif not await sync_to_async(leases.renew)(self._name, on_air.room.pk):
                log.warning("room %s is held by another stage process now", slug)
                await self._drop(slug, release=False)
        claimed = await sync_to_async(leases.claim_rooms)(self._name, MOST_ROOMS)
        for gone in self._refused.keys() - {room.pk for room in claimed}:
            del self._refused[gone]
        for room in claimed:
            if room.slug not in self._rooms:
                await self._try_room(room)

    async def _try_room(self, room: Room) -> None:
        """Take the room. Settings that are wrong are tried every second, and said once until they change."""
        try:
            await self._take_room(room)
        except (FootlightError, ValueError) as error:
            if self._refused.get(room.pk) != str(error):
                log.error("room %s cannot go on air, its settings are wrong: %s", room.slug, error)
            self._refused[room.pk] = str(error)
        else:
            self._refused.pop(room.pk, None)

    async def _take_room(self, room: Room) -> None:
        spec = RoomSpec(room.engine, room.avatar, room.width, room.height, room.avatar_seed, 0)
        presenter = Presenter(room.slug, spec, self._dialer)
        voices = self._voices_of(room.voices)
        voices.get_ready(room.language)
        models = build_chain(room.llm, self._env, self._slot)
        tools = Tools(models, voices, self._memory)
        try:
            await remember_history(room, tools)
        except DatabaseError:
            await models.close()  # the room is tried again every second
            raise
        director = Director(room, presenter, tools)
        task = asyncio.create_task(self._direct(director), name=f"director-{room.slug}")
        self._rooms[room.slug] = RoomOnAir(room, presenter, director, tools, task)
        log.info("room %s goes on air", room.slug)
        director.on_quiet = lambda: self._read_ahead(director, tools)
        self._read_ahead(director, tools)

    def _read_ahead(self, director: Director, tools: Tools) -> None:
        """Let the embedded model read what the next prompt begins with while nobody waits for it."""
        self._warmer.add(director.room.slug, build_history(director.room, tools.conversation.exchanges))

    async def _direct(self, director: Director) -> None:
        structlog.contextvars.bind_contextvars(room=director.room.slug)  # of this task and those it starts
        try:
            await director.run()
        except Exception:  # the edge of one room's loop: the lease loop takes the room again
            log.exception("room %s stopped", director.room.slug)

    async def _drop(self, slug: str, *, release: bool) -> None:
        on_air = self._rooms.pop(slug)
        on_air.task.cancel()
        await asyncio.gather(on_air.task, return_exceptions=True)
        await on_air.tools.models.close()
        await self._close_unused_voices()
        self._warmer.remove(slug)
        if release:
            await sync_to_async(leases.release)(self._name, on_air.room.pk)

    def _voices_of(self, entries: list[str | dict[str, Any]]) -> VoiceChain:
        entries = entries or list(DEFAULT_CHAIN)
        if LAST_VOICE not in entries:
            entries = [*entries, LAST_VOICE]
        key = json.dumps(entries, sort_keys=True)
        if key not in self._voices:
            self._voices[key] = build_voices(entries, self._env, time.monotonic)
        return self._voices[key]

    async def _close_unused_voices(self) -> None:
        """Every change of a room's voices makes a chain with its networks. The default one stays warm."""
        used = [self._voices_of([]), *(on_air.tools.voices for on_air in self._rooms.values())]
        for key, chain in list(self._voices.items()):
            if chain not in used:
                del self._voices[key]
                await chain.close()

    # the link

    def _build_hello(self) -> dict[str, Any]:
        return {"type": "hello", "name": self._name, "version": wire.VERSION}

    async def _link_up(self) -> None:
        for on_air in self._rooms.values():
            on_air.director.reopen()

    async def _link_down(self) -> None:
        self._clip_voice.drop_all()
        for on_air in self._rooms.values():
            on_air.presenter.link_down()

    async def _take_text(self, message: dict[str, Any]) -> None:
        if message["type"].startswith("clip."):
            self._clip_voice.take(message)
            return
        on_air = self._rooms.get(str(message.get("room", "")))
        if message["type"] == "nudge":
            self._wake.set() if on_air is None else on_air.director.nudge()
        elif on_air is not None:
            on_air.presenter.take(message)


async def _refuse_binary(frame: wire.BinaryFrame) -> None:
    log.warning("web sent a binary frame of kind %s to stage: %s", frame.kind, json.dumps(frame.header)[:200])
