"""The media socket as a page meets it."""

import asyncio
import json

import pytest
from channels.testing import WebsocketCommunicator
from hypothesis import example, given
from hypothesis import strategies as st

from frontend.consumers import MAX_PTS, MediaConsumer, parse_report
from frontend.hub import MediaHub
from frontend.hub_hooks import HubHooks
from tests.frontend.hub_kit import Received, VirtualTime, build_frame, frames_of, read_message, settle

# Channels closes database connections at the edges of a socket, so there must be a database to close.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
async def hub(time):
    hub = MediaHub(clock=time.clock, wall=time.wall, sleep=time.sleep, sockets_per_address=2)
    yield hub
    await hub.close()


async def room_exists(slug: str) -> bool:
    return slug in ("demo", "other")


async def dial(hub: MediaHub, slug: str = "demo", address: str = "127.0.0.1", exists=room_exists):
    """A page that has sent its handshake."""
    page = WebsocketCommunicator(MediaConsumer.as_asgi(hub=hub, room_exists=exists), f"/ws/rooms/{slug}/media/")
    page.scope |= {"url_route": {"kwargs": {"slug": slug}}, "client": (address, 4000)}
    accepted, _ = await page.connect()
    assert accepted
    return page


async def read(page: WebsocketCommunicator) -> dict | Received:
    return read_message(await page.receive_from())


async def read_close_code(page: WebsocketCommunicator) -> int:
    message = await page.receive_output()
    assert message["type"] == "websocket.close"
    return message["code"]


async def test_page_gets_hello_codec_timeline_gop_and_then_live_frames(hub):
    room = hub.room("demo")
    for number in range(3):
        room.publish(build_frame(number))
    page = await dial(hub)
    messages = [await read(page) for _ in range(7)]
    assert messages[0] == {"type": "hello", "ack_every": 12}
    assert messages[1]["type"] == "init"
    assert messages[2].kind == 1
    assert messages[3]["type"] == "timeline"
    assert [frame.seq for frame in frames_of(messages[4:])] == [1, 2, 3]
    room.publish(build_frame(3))
    assert (await read(page)).seq == 4
    await page.disconnect()


async def test_leaving_page_is_no_longer_counted(hub):
    page = await dial(hub)
    await read(page)
    assert hub.viewer_count("demo") == 1
    await page.disconnect()
    assert hub.viewer_count("demo") == 0
    await settle()
    assert "viewer-demo" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_unknown_room_is_closed_with_its_code(hub):
    page = await dial(hub, "nowhere")
    assert await read_close_code(page) == 4404
    assert hub.viewer_count("nowhere") == 0


async def test_one_address_holds_so_many_sockets_and_may_come_again_when_one_closes(hub):
    first, second = await dial(hub), await dial(hub, "other")
    assert await read_close_code(await dial(hub)) == 4429
    elsewhere = await dial(hub, address="127.0.0.2")
    assert (await read(elsewhere))["type"] == "hello"
    await second.disconnect()
    again = await dial(hub)
    assert (await read(again))["type"] == "hello"
    for page in (first, elsewhere, again):
        await page.disconnect()


async def test_address_is_free_again_after_a_failed_handshake(hub):
    async def broken(slug: str) -> bool:
        raise OSError("the database is away")

    for _ in range(3):
        with pytest.raises(OSError, match="database"):
            await (await dial(hub, exists=broken)).wait()
    page = await dial(hub)
    assert (await read(page))["type"] == "hello"
    await page.disconnect()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "7",
        '{"type":"ack"}',
        '{"type":"ack","seq":true,"displayed":0}',
        '{"type":"ack","seq":1.5,"displayed":0}',
        '{"type":"ack","seq":-1,"displayed":0}',
        '{"type":"ack","seq":1,"displayed":9223372036854775808}',
        '{"type":"shout","seq":1,"displayed":0}',
        "[" * 1000,
        json.dumps({"type": "keyframe", "more": "x" * 1024}),
    ],
)
async def test_malformed_report_closes_the_socket(hub, text):
    page = await dial(hub)
    await read(page)
    await page.send_to(text_data=text)
    assert await read_close_code(page) == 4400


async def test_binary_report_closes_the_socket(hub):
    page = await dial(hub)
    await read(page)
    await page.send_to(bytes_data=b"\0" * 8)
    assert await read_close_code(page) == 4400


async def test_flood_of_reports_closes_the_socket(hub):
    page = await dial(hub)
    await read(page)
    for _ in range(61):
        await page.send_to(text_data='{"type":"keyframe"}')
    assert await read_close_code(page) == 4429


async def test_acknowledging_page_gets_every_frame_and_a_silent_one_is_closed(hub, time):
    good, silent = await dial(hub), await dial(hub)
    for page in (good, silent):
        await read(page)
    seqs, number, code = [], 0, None
    while time.now < 16:
        hub.room("demo").publish(build_frame(number))
        number += 1
        await settle()
        while not good.output_queue.empty():
            message = await read(good)
            if isinstance(message, Received) and message.kind == 2:
                seqs.append(message.seq)
                report = {"type": "ack", "seq": message.seq, "displayed": message.room_pts}
                if message.seq % 12 == 1:
                    await good.send_to(text_data=json.dumps(report))
        while not silent.output_queue.empty():
            code = (await silent.receive_output()).get("code", code)
        await time.advance(0.04)
    assert seqs == list(range(1, number + 1))
    assert code == 4408
    await good.disconnect()


async def test_page_may_ask_for_a_key_frame(hub):
    asked = []

    async def ask(room):
        asked.append(room)

    hub.attach(HubHooks(on_keyframe_wanted=ask))
    page = await dial(hub)
    await read(page)
    await page.send_to(text_data='{"type":"keyframe"}')
    await settle()
    assert asked == ["demo"]
    await page.disconnect()


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())
REPORTS = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["ack", "keyframe", "x"]) | VALUES, "seq": VALUES, "displayed": VALUES}
)


@given(st.text(max_size=200) | REPORTS.map(json.dumps))
@example("[" * 1000)
@example('{"type":"ack","seq":1,"displayed":1e400}')
@example('{"type":"ack","seq":' + "9" * 900 + ',"displayed":0}')
def test_any_text_is_a_report_or_refused(text):
    try:
        report = parse_report(text)
    except ValueError:
        return
    if report is not None:
        seq, displayed = report
        assert 0 <= seq < 1 << 32
        assert 0 <= displayed < MAX_PTS


async def test_process_with_all_its_sockets_takes_no_more(time):
    hub = MediaHub(clock=time.clock, wall=time.wall, sleep=time.sleep, sockets_in_all=2)
    pages = [await dial(hub, address=f"127.0.0.{number}") for number in range(2)]
    assert await read_close_code(await dial(hub, address="127.0.0.3")) == 4429
    for page in pages:
        await page.disconnect()
    await hub.close()
