"""The stage process: it takes rooms by lease, runs them, and gives them up."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from avatar_engine.errors import UnknownEngine
from avatar_engine.voice.chain import VoiceChain
from chat import director as director_module
from chat import leases, services
from chat import stage as stage_module
from chat.llm.chain import ModelChain
from chat.models import Message, Room
from chat.stage import StageProcess
from tests.chat.director_kit import ScriptedModel, VirtualClock
from tests.chat.stage_kit import build_message, build_room
from tests.fakes.clock import in_virtual_time, settle, virtual_loop
from tests.fakes.link import FakeLink
from tests.fakes.voice import FakeVoice

pytestmark = pytest.mark.django_db(transaction=True)


class StageLink(FakeLink):
    """Stands for the dialer of a stage process; render is there from the start."""

    def __init__(self, on_text: Any, on_up: Any, on_down: Any) -> None:
        super().__init__()
        self.on_text, self.on_up, self.on_down = on_text, on_up, on_down
        loop = asyncio.get_running_loop()
        self.attach(SimpleNamespace(room="room", take=lambda message: loop.create_task(on_text(message))))

    async def run(self) -> None:
        await self.start_render()
        await asyncio.Event().wait()


class Quiet:
    """A warmer that has nothing to do."""

    def __init__(self, port: int, slot: Any) -> None:
        self.rooms: dict[str, Any] = {}
        self.runs = False

    def add(self, room: str, prefix: Any) -> None:
        self.rooms[room] = prefix

    def remove(self, room: str) -> None:
        self.rooms.pop(room, None)

    async def run(self) -> None:
        self.runs = True
        await asyncio.Event().wait()

    async def close(self) -> None:
        pass


class Stage:
    def __init__(self, monkeypatch: Any) -> None:
        self.links: list[StageLink] = []
        self.model = ScriptedModel()
        monkeypatch.setattr(stage_module, "LinkDialer", self._link)
        monkeypatch.setattr(stage_module, "ModelWarmer", Quiet)
        monkeypatch.setattr(stage_module, "build_voices", self._voices)
        monkeypatch.setattr(stage_module, "build_chain", lambda *_: ModelChain([self.model], virtual_loop().time))
        monkeypatch.setattr(director_module, "time", VirtualClock)
        self.process = StageProcess(settings.FOOTLIGHT, "ws://nowhere", "stage-1")
        self.task = asyncio.create_task(self.process.run())

    def _link(self, *_: Any, on_text: Any, on_up: Any, on_down: Any, **__: Any) -> StageLink:
        self.links.append(StageLink(on_text, on_up, on_down))
        return self.links[-1]

    @staticmethod
    def _voices(entries: list[str], env: Any, clock: Any) -> VoiceChain:
        if "no such voice" in entries:
            raise UnknownEngine("no voice is called that")
        return VoiceChain([FakeVoice()], clock)

    @property
    def link(self) -> StageLink:
        return self.links[0]

    @property
    def rooms(self) -> list[str]:
        return list(self.process._rooms)


@asynccontextmanager
async def stage(monkeypatch: Any):
    made = Stage(monkeypatch)
    try:
        yield made
        assert not made.task.done(), made.task.exception()
    finally:
        made.task.cancel()
        await asyncio.gather(made.task, return_exceptions=True)
        await made.process.close()
        if made.link.render is not None:
            await made.link.render.close()


async def holder(slug: str = "room") -> str:
    return (await Room.objects.aget(slug=slug)).lease_owner


@in_virtual_time
async def test_room_on_air_is_leased_opened_and_answered(monkeypatch) -> None:
    room = await sync_to_async(build_room)()
    async with stage(monkeypatch) as made:
        await asyncio.sleep(2)
        assert await holder() == "stage-1"
        assert made.process._warmer.rooms.keys() == {"room"}
        message = await sync_to_async(build_message)(room)
        await asyncio.sleep(10)
        assert (await Message.objects.aget(pk=message.pk)).state == "answered"
    assert await holder() == "", "the lease is given back at the end"


@pytest.mark.parametrize("runs_llm", [True, False])
@in_virtual_time
async def test_prompts_are_read_ahead_only_where_there_is_an_embedded_model(monkeypatch, runs_llm: bool) -> None:
    monkeypatch.setattr(settings, "FOOTLIGHT", replace(settings.FOOTLIGHT, runs_llm=runs_llm))
    async with stage(monkeypatch) as made:
        await asyncio.sleep(2)
        assert made.process._warmer.runs is runs_llm


@in_virtual_time
async def test_nudge_starts_the_answer_before_the_next_poll(monkeypatch) -> None:
    room = await sync_to_async(build_room)()
    async with stage(monkeypatch) as made:
        await asyncio.sleep(2.05)
        await sync_to_async(build_message)(room)
        await made.link.on_text({"type": "nudge", "room": "room"})
        await asyncio.sleep(0.05)
        assert len(made.model.prompts) == 1


@in_virtual_time
async def test_room_that_goes_on_air_is_taken_and_one_that_goes_off_is_dropped(monkeypatch) -> None:
    room = await sync_to_async(build_room)(is_on_air=False)
    async with stage(monkeypatch) as made:
        await asyncio.sleep(3)
        assert made.rooms == []
        await sync_to_async(services.start_room)(room)
        await made.link.on_text({"type": "nudge", "room": "room"})
        await asyncio.sleep(0.1)
        assert made.rooms == ["room"]
        await sync_to_async(services.stop_room)(room)
        await asyncio.sleep(4)
        assert made.rooms == []
        assert await holder() == ""
        assert made.link.of_type("room.close")
        assert made.process._warmer.rooms == {}


@in_virtual_time
async def test_room_that_another_process_holds_is_left_alone_and_given_up_when_lost(monkeypatch) -> None:
    await sync_to_async(build_room)()
    async with stage(monkeypatch) as made:
        await asyncio.sleep(2)
        until = timezone.now() + timedelta(hours=1)
        await Room.objects.aupdate(lease_owner="stage-2", lease_expires_at=until)
        await asyncio.sleep(2)
        assert made.rooms == []
        assert await holder() == "stage-2"
        assert not made.link.of_type("room.close"), "the other process shows it now"


@in_virtual_time
async def test_room_with_wrong_settings_does_not_keep_the_others_off_air(monkeypatch) -> None:
    await sync_to_async(build_room)(slug="broken", voices=["no such voice"])
    await sync_to_async(build_room)()
    async with stage(monkeypatch) as made:
        await asyncio.sleep(3)
        assert made.rooms == ["room"]
        await Room.objects.filter(slug="broken").aupdate(voices=[])
        await asyncio.sleep(2)
        assert sorted(made.rooms) == ["broken", "room"]


@in_virtual_time
async def test_director_that_breaks_is_started_again(monkeypatch) -> None:
    room = await sync_to_async(build_room)()
    async with stage(monkeypatch) as made:
        await asyncio.sleep(2)
        first = made.process._rooms["room"].director
        monkeypatch.setattr(first, "_look", None)
        await asyncio.sleep(4)
        assert made.process._rooms["room"].director is not first
        message = await sync_to_async(build_message)(room)
        await asyncio.sleep(10)
        assert (await Message.objects.aget(pk=message.pk)).state == "answered"


@in_virtual_time
async def test_database_that_does_not_answer_is_asked_again(monkeypatch) -> None:
    await sync_to_async(build_room)()
    claim, failures = leases.claim_rooms, []

    def claim_rooms(*args: Any) -> list[Room]:
        if len(failures) < 3:
            failures.append(1)
            raise DatabaseError("locked")
        return claim(*args)

    monkeypatch.setattr(leases, "claim_rooms", claim_rooms)
    async with stage(monkeypatch) as made:
        await asyncio.sleep(6)
        assert made.rooms == ["room"]


@in_virtual_time
async def test_rooms_are_claimed_again_when_the_link_is_back(monkeypatch) -> None:
    await sync_to_async(build_room)()
    async with stage(monkeypatch) as made:
        await asyncio.sleep(2)
        presenter = made.process._rooms["room"].presenter
        epoch = presenter.epoch
        await made.link.on_down()
        assert not presenter.ready.is_set()
        await made.link.on_up()
        await settle()
        await asyncio.sleep(0.1)
        assert presenter.ready.is_set()
        assert presenter.epoch == epoch
        assert len(made.link.of_type("room.open")) == 2


@in_virtual_time
async def test_voices_that_no_room_has_any_more_are_closed(monkeypatch) -> None:
    room = await sync_to_async(build_room)(voices=["edge"])
    async with stage(monkeypatch) as made:
        await asyncio.sleep(2)
        chains = dict(made.process._voices)
        closed: list[VoiceChain] = []
        for chain in chains.values():
            monkeypatch.setattr(chain, "close", _record_close(closed, chain))
        await sync_to_async(services.stop_room)(room)
        await asyncio.sleep(3)
        assert not made.rooms
        assert len(made.process._voices) == 1, "the default chain stays warm"
        assert closed == [chain for key, chain in chains.items() if "edge" in key and "hibari" not in key]


def _record_close(closed: list[VoiceChain], chain: VoiceChain) -> Any:
    async def close() -> None:
        closed.append(chain)

    return close


@in_virtual_time
async def test_room_whose_voices_are_wrong_opens_no_models_again_and_again(monkeypatch) -> None:
    await sync_to_async(build_room)(voices=["no such voice"])
    async with stage(monkeypatch) as made:
        built: list[ModelChain] = []
        monkeypatch.setattr(
            stage_module,
            "build_chain",
            lambda *_: built.append(ModelChain([made.model], virtual_loop().time)) or built[-1],
        )
        await asyncio.sleep(10)
        assert not built


@in_virtual_time
async def test_wrong_settings_are_said_once_for_each_change(monkeypatch, caplog) -> None:
    room = await sync_to_async(build_room)(voices=["no such voice"])

    def count() -> int:
        return len([record for record in caplog.records if "its settings are wrong" in record.message])

    async with stage(monkeypatch) as made:
        await asyncio.sleep(10)
        assert count() == 1
        assert not [record for record in caplog.records if "goes on air" in record.message]
        await Room.objects.filter(pk=room.pk).aupdate(voices=[])
        await asyncio.sleep(3)
        assert made.rooms == ["room"]
        await sync_to_async(services.stop_room)(room)
        await Room.objects.filter(pk=room.pk).aupdate(voices=["no such voice"])
        await asyncio.sleep(3)
        await sync_to_async(services.start_room)(room)
        await asyncio.sleep(10)
        assert count() == 2, "wrong again, so it is said again"
