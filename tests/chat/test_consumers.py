"""The chat socket: who speaks is who the cookie says, and a room's events stay in the room."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers, get_channel_layer

from chat.consumers import (
    BAD_EVENTS_CLOSE,
    BAD_MESSAGES,
    NO_SUCH_ROOM,
    TOO_MANY,
)
from chat.events import room_group
from chat.hub import SOCKETS_PER_ADDRESS
from chat.models import Message, Room, Sentence, Turn
from chat.moderation import RateRule
from chat.services import new_viewer_token
from tests.chat.socket_kit import LIMITS, build_viewer, site
from tests.chat.stage_kit import build_message, build_room
from tests.fakes.clock import in_virtual_time

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_layer():
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


@in_virtual_time
async def test_hello_is_welcomed_with_room_viewer_and_history() -> None:
    async with site(disclosure="She is computed.") as web:
        room = await Room.objects.aget()
        await sync_to_async(build_message)(room, "Earlier")
        page = await web.open()
        welcome = await page.hello(name="Ann")
        assert welcome["viewer"]["name"] == "Ann"
        assert welcome["room"] == {
            "slug": "room",
            "name": "A room",
            "persona": "Mira",
            "on_air": True,
            "disclosure": "She is computed.",
        }
        assert [item["text"] for item in welcome["history"]] == ["Earlier"]
        assert welcome["state"]["state"] == "idle"
        assert welcome["viewers"] == 1


@in_virtual_time
async def test_page_that_opens_in_the_middle_of_a_sentence_is_told_of_it() -> None:
    async with site() as web:
        room = await Room.objects.aget()
        message = await sync_to_async(build_message)(room, "What is the sea?")
        turn = await Turn.objects.acreate(room=room, message=message, kind="viewer", state="running")
        heard, sound = {"state": "on_air", "epoch": 7, "start_pts": 1920}, {"duration_ms": 400.0}
        marks = [["word", "Big.", 0.0, 380.0]]
        first = await Sentence.objects.acreate(turn=turn, index=0, text="Big.", marks=marks, **heard, **sound)
        second = await Sentence.objects.acreate(turn=turn, index=1, text="And salty.", **heard)
        await Sentence.objects.acreate(turn=turn, index=2, text="Not yet.", state="on_air", epoch=7)
        page = await web.open()
        await page.hello()
        state = await page.get("state")
        assert (state["state"], state["message"], state["pts"]) == ("speaking", message.pk, 1920)
        shown = [item for item in await page.rest() if item["type"] in ("reply", "caption")]
        assert [(item["type"], item["sentence"], item["epoch"]) for item in shown] == [
            ("reply", first.pk, 7),
            ("caption", first.pk, 7),
            ("reply", second.pk, 7),
        ], "the caption of a sentence that is still being voiced comes to all pages, with its marks"
        assert shown[1]["words"] == [["Big.", 0, 380]]


@in_virtual_time
async def test_cookie_says_who_the_viewer_is_and_the_name_does_not() -> None:
    async with site() as web:
        viewer, token = await sync_to_async(build_viewer)("Leo")
        own = await (await web.open(cookie=token)).hello()
        assert own["viewer"] == {"id": str(viewer.pk), "name": "Leo"}
        stranger = await (await web.open()).hello(name="Leo")
        assert stranger["viewer"]["id"] != str(viewer.pk)
        guesser = await (await web.open(cookie=viewer.token_hash)).hello(name="Leo")
        assert guesser["viewer"]["id"] != str(viewer.pk)


@in_virtual_time
async def test_cookie_of_a_first_visit_becomes_one_viewer_at_the_first_hello() -> None:
    async with site() as web:
        token = new_viewer_token()
        first = await (await web.open(cookie=token)).hello(name="Leo")
        again = await (await web.open(cookie=token)).hello()
        assert again["viewer"] == first["viewer"] == {"id": first["viewer"]["id"], "name": "Leo"}


@in_virtual_time
async def test_message_is_accepted_told_to_the_room_and_nudges_stage() -> None:
    async with site() as web:
        layer = get_channel_layer()
        await layer.group_add("stages", "stage!1")
        viewer, token = await sync_to_async(build_viewer)("Leo")
        page, other = await web.open(cookie=token), await web.open()
        await page.hello()
        await other.hello()
        await page.say("  Who are\nyou? ")
        accepted = await page.get("accepted")
        message = await Message.objects.aget()
        assert accepted == {"type": "accepted", "client_id": "c1", "id": message.pk}
        assert (message.text, message.viewer_id, message.display_name) == ("Who are you?", viewer.pk, "Leo")
        assert message.received_at <= message.created_at
        for reader in (page, other):
            shown = await reader.get("message")
            assert (shown["id"], shown["text"], shown["name"]) == (message.pk, "Who are you?", "Leo")
            assert shown["viewer"] == str(viewer.pk)
        assert await layer.receive("stage!1") == {"type": "nudge", "room": "room"}


@in_virtual_time
async def test_repeated_client_id_is_accepted_again_and_makes_one_row() -> None:
    async with site() as web:
        _, token = await sync_to_async(build_viewer)()
        page = await web.open(cookie=token)
        await page.hello()
        await page.say("Hello?")
        first = await page.get("accepted")
        again = await web.open(cookie=token)
        await again.hello()
        await again.say("Hello?")
        assert await again.get("accepted") == first
        assert (await again.get("message.state"))["state"] == "waiting"
        assert await Message.objects.acount() == 1
        assert [event["type"] for event in await page.rest()].count("message") == 1


@pytest.mark.parametrize(("text", "reason"), [("  ", "empty"), ("...", "empty"), ("x" * 501, "too_long")])
@in_virtual_time
async def test_what_cannot_be_answered_is_rejected(text: str, reason: str) -> None:
    async with site() as web:
        page = await web.open()
        await page.hello()
        await page.say(text)
        rejected = await page.get("rejected")
        assert (rejected["client_id"], rejected["reason"]) == ("c1", reason)
        assert not await Message.objects.aexists()


@in_virtual_time
async def test_fourth_message_in_two_seconds_is_too_fast_on_every_page_of_the_viewer() -> None:
    async with site() as web:
        _, token = await sync_to_async(build_viewer)()
        pages = [await web.open(cookie=token) for _ in range(2)]
        for page in pages:
            await page.hello()
        for number in range(3):
            await pages[number % 2].say("Hello?", str(number))
            await pages[number % 2].get("accepted")
        await pages[1].say("Hello?", "4")
        rejected = await pages[1].get("rejected")
        assert rejected["reason"] == "too_fast"
        assert 0 < rejected["detail"]["retry_s"] <= 10
        assert await Message.objects.acount() == 3


@in_virtual_time
async def test_address_has_its_own_pace() -> None:
    async with site({**LIMITS, "address_pace": RateRule(1, 2, 5)}) as web:
        pages = [await web.open(address="10.0.0.1"), await web.open(address="10.0.0.1"), await web.open(address="::1")]
        for page in pages:
            await page.hello()
            await page.say("Hello?")
        assert await pages[0].get("accepted")
        assert (await pages[1].get("rejected"))["reason"] == "too_fast"
        assert await pages[2].get("accepted")


@in_virtual_time
async def test_room_that_went_off_air_rejects() -> None:
    async with site() as web:
        page = await web.open()
        await page.hello()
        await Room.objects.aupdate(is_on_air=False)
        await page.say("Hello?")
        assert (await page.get("rejected"))["reason"] == "off_air"
        late = await web.open()
        assert (await late.hello())["state"]["state"] == "off_air"


@in_virtual_time
async def test_shed_message_is_told_with_its_reason() -> None:
    async with site(max_waiting=1) as web:
        first, second = await web.open(), await web.open()
        await first.hello()
        await second.hello()
        await first.say("Hello?")
        shed = (await first.get("accepted"))["id"]
        await second.say("Me too?")
        for page in (first, second):
            state = await page.get("message.state")
            assert (state["id"], state["state"], state["reason"]) == (shed, "shed", "busy")


@in_virtual_time
async def test_ten_bad_events_close_the_socket() -> None:
    async with site() as web:
        page = await web.open()
        for number in range(BAD_EVENTS_CLOSE - 1):
            await page.socket.send_to(text_data="nonsense" if number % 2 else '{"type":"shout"}')
        await page.say("before hello")
        reasons = [(await page.get("error"))["reason"] for _ in range(BAD_EVENTS_CLOSE)]
        assert set(reasons) == {"not_json", "unknown_type", "hello_first"}
        assert await page.socket.receive_output() == {"type": "websocket.close", "code": BAD_MESSAGES}


@in_virtual_time
async def test_binary_frame_is_a_bad_event() -> None:
    async with site() as web:
        page = await web.open()
        await page.socket.send_to(bytes_data=b"x")
        assert (await page.get("error"))["reason"] == "binary"


@in_virtual_time
async def test_no_such_room_closes_with_its_code() -> None:
    async with site() as web:
        socket = web.dial("nowhere")
        await socket.connect()
        assert await socket.receive_output() == {"type": "websocket.close", "code": NO_SUCH_ROOM}
        assert web.hub.audience.count("nowhere") == 0


@in_virtual_time
async def test_address_with_too_many_sockets_is_closed() -> None:
    async with site() as web:
        for _ in range(SOCKETS_PER_ADDRESS):
            web.hub.addresses.enter("10.0.0.9")
        socket = web.dial(address="10.0.0.9")
        await socket.connect()
        assert await socket.receive_output() == {"type": "websocket.close", "code": TOO_MANY}
        assert web.hub.audience.count("room") == 0


@in_virtual_time
async def test_events_of_one_room_never_reach_another() -> None:
    async with site() as web:
        await sync_to_async(build_room)(slug="other")
        here, there = await web.open("room"), await web.open("other")
        await here.hello()
        await there.hello()
        await here.rest()
        await there.rest()
        await here.say("Only here")
        await get_channel_layer().group_send(
            room_group("room"), {"type": "room.event", "item": {"type": "state", "state": "idle"}}
        )
        assert {event["type"] for event in await here.rest()} == {"accepted", "message", "state"}
        assert await there.rest() == []


@in_virtual_time
async def test_rename_is_kept_for_later_messages() -> None:
    async with site() as web:
        viewer, token = await sync_to_async(build_viewer)("Leo")
        page = await web.open(cookie=token)
        await page.hello()
        await page.send(type="rename", name="  Ann\u202e ")
        assert (await page.get("renamed"))["name"] == "Ann"
        await page.say("Hello?")
        assert (await page.get("message"))["name"] == "Ann"
        await viewer.arefresh_from_db()
        assert viewer.display_name == "Ann"


@in_virtual_time
async def test_closed_page_is_not_counted_any_more() -> None:
    async with site() as web:
        page = await web.open()
        await page.hello()
        assert web.hub.audience.count("room") == 1
        await page.socket.disconnect()
        assert web.hub.audience.count("room") == 0
