"""The chat socket under pressure: each limit refuses or closes, and nobody else is disturbed."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from django.db import OperationalError

from chat.consumers import (
    BAD_MESSAGES,
    FAR_TOO_LARGE,
    HELLO_WITHIN_S,
    TOO_MANY,
    TOO_SLOW,
)
from chat.models import Message
from chat.moderation import RateRule
from tests.chat.socket_kit import LIMITS, build_viewer, site
from tests.fakes.clock import in_virtual_time

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_layer():
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


@in_virtual_time
async def test_socket_that_never_says_hello_is_closed_and_hears_nothing_before() -> None:
    async with site() as web:
        silent, talker = await web.open(), await web.open()
        await talker.hello()
        await talker.say("Hello?")
        await talker.get("accepted")
        await asyncio.sleep(HELLO_WITHIN_S - 1)
        assert silent.socket.output_queue.empty()
        await asyncio.sleep(2)
        assert await silent.socket.receive_output() == {"type": "websocket.close", "code": TOO_SLOW}
        assert web.hub.audience.count("room") == 1
        assert web.hub.addresses.open == 1


@in_virtual_time
async def test_frame_far_too_large_closes_at_once() -> None:
    async with site() as web:
        page = await web.open()
        await page.hello()
        await page.socket.send_to(text_data="x" * (FAR_TOO_LARGE + 1))
        while (output := await page.socket.receive_output())["type"] == "websocket.send":
            pass
        assert output == {"type": "websocket.close", "code": BAD_MESSAGES}


@in_virtual_time
async def test_flood_comes_in_a_few_frames_that_say_how_many_are_left_out() -> None:
    async with site(max_waiting=5) as web:
        reader, *talkers = [await web.open(address=f"10.0.0.{number}") for number in range(41)]
        await reader.hello()
        for page in talkers:
            await page.hello()
        await reader.rest()
        before = reader.frames
        for number, page in enumerate(talkers):
            await page.say(f"Question {number}")
        accepted = [(await page.get("accepted"))["id"] for page in talkers]
        events = await reader.rest()
        assert len(set(accepted)) == len(talkers)
        assert reader.frames - before <= 4
        shown = [event["id"] for event in events if event["type"] == "message"]
        left_out = sum(event["count"] for event in events if event["type"] == "more")
        assert len(shown) + left_out == len(talkers)
        assert left_out > 0
        states = {row.pk: row.state async for row in Message.objects.all()}
        assert list(states.values()).count("waiting") == 5
        last_told = {event["id"]: event["state"] for event in events if "state" in event}
        for page, pk in zip(talkers, accepted, strict=True):
            own = {e["id"]: e["state"] for e in await page.rest() if e["type"] in ("message", "message.state")}
            assert own.get(pk, "waiting") == states[pk]
        assert all(last_told[pk] == states[pk] for pk in shown)


@in_virtual_time
async def test_repeat_is_never_too_fast() -> None:
    async with site({**LIMITS, "viewer_pace": RateRule(1, 2, 10)}) as web:
        page = await web.open()
        await page.hello()
        await page.say("Hello?")
        first = await page.get("accepted")
        await page.say("Hello?")
        assert await page.get("accepted") == first
        await page.say("And?", "c2")
        assert (await page.get("rejected"))["reason"] == "too_fast"


@in_virtual_time
async def test_renames_and_hellos_are_paced() -> None:
    async with site() as web:
        page = await web.open()
        await page.hello()
        for number in range(5):
            await page.send(type="rename", name=f"Ann {number}")
        assert (await page.get("error"))["reason"] == "too_many_events"
        await page.send(type="hello")
        while (output := await page.socket.receive_output())["type"] == "websocket.send":
            pass
        assert output == {"type": "websocket.close", "code": TOO_MANY}


@in_virtual_time
async def test_hello_of_too_many_pages_of_one_address_is_closed() -> None:
    async with site({**LIMITS, "hello_pace": RateRule(1, 10, 5)}) as web:
        await (await web.open()).hello()
        page = await web.open()
        await page.send(type="hello")
        assert await page.socket.receive_output() == {"type": "websocket.close", "code": TOO_MANY}
        await (await web.open(address="10.0.0.2")).hello()


@in_virtual_time
async def test_failing_database_refuses_and_the_socket_stays(monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("disk I/O error")

    async with site() as web:
        page = await web.open()
        await page.hello()
        with monkeypatch.context() as broken:
            broken.setattr("chat.intake.accept_drafts", fail)
            await page.say("Hello?")
            assert (await page.get("rejected"))["reason"] == "not_saved"
        await page.say("Hello?", "c2")
        assert await page.get("accepted")


@in_virtual_time
async def test_erased_viewer_is_refused_and_keeps_nobody_out() -> None:
    async with site() as web:
        viewer, token = await sync_to_async(build_viewer)()
        gone, other = await web.open(cookie=token), await web.open()
        await gone.hello()
        await other.hello()
        await viewer.adelete()
        await gone.say("Hello?")
        await other.say("Hello?")
        assert (await gone.get("rejected"))["reason"] == "not_saved"
        assert await other.get("accepted")
