"""Requests that no browser makes: a clear answer or a closed connection, and pages for everybody else meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
import urllib.request

import pytest

from mysite.daphne_server import IDLE_S, MOST_BODY_BYTES
from tests.support.live_system import LiveSystem

pytestmark = pytest.mark.journey
SLOW_CONNECTIONS = 1000
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def dial(system: LiveSystem, number: int = 0) -> Stream:
    address = f"127.3.{number // 250}.{number % 250 + 1}"
    return await asyncio.open_connection("127.0.0.1", system.port, local_addr=(address, 0))


async def read_all(reader: asyncio.StreamReader, limit_s: float = 10.0) -> bytes:
    """Everything until the server hangs up."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(limit_s):
            return await reader.read()
    return b""


def load_page(system: LiveSystem) -> float:
    """Seconds that the room's page takes."""
    began = time.monotonic()
    with urllib.request.urlopen(f"{system.url}/r/mira/", timeout=10) as answer:
        assert answer.status == 200
    return time.monotonic() - began


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /?\xff HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Name: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(2000)) + b"\r\n",
        b"GET /static/..%2f..%2f..%2fetc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        b"GET /r/%00/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    ],
)
async def test_garbage_is_refused(system: LiveSystem, request_bytes: bytes) -> None:
    reader, writer = await dial(system)
    writer.write(request_bytes)
    answer = await read_all(reader, IDLE_S + 10)
    writer.close()
    assert answer == b"" or answer.split(b" ")[1][:1] == b"4"
    assert b"root:" not in answer


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_body_past_the_limit_is_refused_while_it_comes(system: LiveSystem, is_chunked: bool) -> None:
    reader, writer = await dial(system)
    total = 40 * MOST_BODY_BYTES
    length = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % total
    writer.write(b"POST /console/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + length + b"\r\n\r\n")
    part, sent = b"x" * 65_536, 0
    with contextlib.suppress(ConnectionError):
        while sent < total:
            writer.write(b"%x\r\n%s\r\n" % (len(part), part) if is_chunked else part)
            await writer.drain()
            sent += len(part)
    assert sent < total
    with contextlib.suppress(ConnectionError):
        assert (await reader.read(12)) in (b"HTTP/1.1 413", b"")
    writer.close()


async def test_a_thousand_slow_connections_slow_nobody_and_are_closed(system: LiveSystem) -> None:
    slow = [await dial(system, number) for number in range(SLOW_CONNECTIONS)]
    for number, (_, writer) in enumerate(slow):
        writer.write(b"GET / HT" if number % 2 else b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nx")
    taken = [await asyncio.to_thread(load_page, system) for _ in range(3)]
    assert min(taken) < 2
    answers = await asyncio.gather(*(read_all(reader, IDLE_S + 25) for reader, _ in slow))
    assert all(reader.at_eof() for reader, _ in slow)
    assert not any(answer.startswith(b"HTTP/1.1 2") for answer in answers)
    for _, writer in slow:
        writer.close()
