"""What a page socket is sent that no page of ours sends: a clear answer or close code, and nothing breaks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.live_system import LiveSystem

pytestmark = pytest.mark.journey
ADDRESSES = itertools.count(1)
MEGABYTE = 1_000_000


@contextlib.asynccontextmanager
async def dial(system: LiveSystem, kind: str, origin: str | None = "") -> AsyncIterator[ClientConnection]:
    """A socket from an address of its own."""
    number = next(ADDRESSES)
    async with connect(
        f"{system.ws_url}/ws/rooms/mira/{kind}/",
        origin=system.url if origin == "" else origin,
        local_addr=(f"127.2.{number // 250}.{number % 250 + 1}", 0),
        proxy=None,
        close_timeout=1,
        max_size=None,
    ) as page:
        yield page


async def hello(page: ClientConnection) -> None:
    await page.send('{"type":"hello","language":"en"}')
    while json.loads(await page.recv())["type"] != "welcome":
        pass


async def read_error(page: ClientConnection) -> str:
    """The reason of the next error."""
    while (event := json.loads(await asyncio.wait_for(page.recv(), 5)))["type"] not in ("error", "rejected"):
        pass
    return event["reason"]


async def read_close_code(page: ClientConnection) -> int | None:
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                await page.recv()
    return page.close_code


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x00\xff" * 50, "binary"),
        ("", "not_json"),
        ("{", "not_json"),
        ("[" * 4000, "not_json"),
        ('{"a":' * 600 + "1" + "}" * 600, "unknown_type"),
        ('{"type":"constructor"}', "unknown_type"),
        ('{"type":{"$ne":1}}', "unknown_type"),
        ('{"type":"message","client_id":"a","text":{"$gt":""}}', "bad_field"),
        ('{"type":"message","client_id":"a\\u0000","text":"x"}', "bad_client_id"),
        ('{"type":"message","client_id":"a","text":"\\u0000\\u0007\\u202e"}', "empty"),
        ('{"type":"message","client_id":"a","text":"\\ud800"}', "empty"),
        (json.dumps({"type": "message", "client_id": "a", "text": "x" * 3000}), "too_long"),
        ("x" * 5000, "too_large"),
        ("1e999999", "not_an_object"),
    ],
)
async def test_bad_event_is_answered_and_the_socket_goes_on(system: LiveSystem, data: str | bytes, reason: str) -> None:
    async with dial(system, "chat") as page:
        await hello(page)
        await page.send(data)
        assert await read_error(page) == reason
        await page.send('{"type":"rename","name":"Still here"}')
        while json.loads(await asyncio.wait_for(page.recv(), 5))["type"] != "renamed":
            pass


@pytest.mark.parametrize("kind", ["chat", "media"])
@pytest.mark.parametrize("data", ["x" * MEGABYTE, "[" * MEGABYTE, '{"type":"message","text":"' + "x" * MEGABYTE + '"}'])
async def test_a_megabyte_of_text_closes_at_once(system: LiveSystem, kind: str, data: str) -> None:
    async with dial(system, kind) as page:
        await page.send(data)
        assert await read_close_code(page) == 4400


@pytest.mark.parametrize("kind", ["chat", "media"])
async def test_more_than_the_server_reads_of_a_frame_is_too_big(system: LiveSystem, kind: str) -> None:
    async with dial(system, kind) as page:
        with contextlib.suppress(ConnectionClosed):
            await page.send("x" * (3 * MEGABYTE))
        assert await read_close_code(page) in (1009, 1006)


@pytest.mark.parametrize("data", [b"\x00" * 100, "{", "[]", '{"type":"ack","seq":-1,"displayed":0}', '{"type":"x"}'])
async def test_bad_report_closes_the_media_socket(system: LiveSystem, data: str | bytes) -> None:
    async with dial(system, "media") as page:
        await page.send(data)
        assert await read_close_code(page) == 4400


async def test_ten_bad_events_close(system: LiveSystem) -> None:
    async with dial(system, "chat") as page:
        for _ in range(12):
            await page.send("nonsense")
        assert await read_close_code(page) == 4400


async def test_text_that_is_no_utf8_closes(system: LiveSystem) -> None:
    async with dial(system, "chat") as page:
        await page.send(b"\xff\xfe\xc0", text=True)
        assert await read_close_code(page) in (1007, 1006)  # the server may hang up before its close frame is read


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None, "http://[", "file://"])
@pytest.mark.parametrize("kind", ["chat", "media"])
async def test_foreign_page_opens_nothing(system: LiveSystem, kind: str, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(system, kind, origin):
            pass
    assert refused.value.response.status_code in (400, 403)


@pytest.mark.parametrize(("kind", "most"), [("chat", 20), ("media", 8)])
async def test_address_with_too_many_sockets_is_closed_and_others_are_not(
    system: LiveSystem, kind: str, most: int
) -> None:
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(address: str) -> ClientConnection:
            return await stack.enter_async_context(
                connect(
                    f"{system.ws_url}/ws/rooms/mira/{kind}/",
                    origin=system.url,
                    local_addr=(address, 0),
                    proxy=None,
                    close_timeout=1,
                    max_size=None,
                )
            )

        for _ in range(most):
            await open_one("127.9.0.1")
        assert await read_close_code(await open_one("127.9.0.1")) == 4429
        other = await open_one("127.9.0.2")
        await asyncio.sleep(0.2)
        assert other.close_code is None


async def test_forwarded_address_of_a_stranger_counts_for_nothing(system: LiveSystem) -> None:
    async with contextlib.AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(
                connect(
                    f"{system.ws_url}/ws/rooms/mira/media/",
                    origin=system.url,
                    local_addr=("127.9.1.1", 0),
                    additional_headers={"X-Forwarded-For": f"10.1.1.{number}"},
                    proxy=None,
                    close_timeout=1,
                    max_size=None,
                )
            )
            for number in range(9)
        ]
        assert await read_close_code(pages[-1]) == 4429
