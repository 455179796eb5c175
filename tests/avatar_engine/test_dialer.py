"""One socket to web, dialled again for ever."""

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import serve

from avatar_engine import wire
from avatar_engine.dialer import OUTBOX_FRAMES, LinkDialer
from tests.fakes.clock import with_sockets


class Web:
    """A link server that keeps what comes."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.sockets: list[Any] = []
        self.refuse = False

    async def take(self, socket: Any) -> None:
        self.sockets.append(socket)
        async for data in socket:
            self.got.put_nowait(data)

    async def text(self) -> dict[str, Any]:
        data = await asyncio.wait_for(self.got.get(), 30)
        assert isinstance(data, str)
        return wire.unpack_text(data)


class Process:
    """What a process does with its link."""

    def __init__(self, port: int) -> None:
        self.heard: asyncio.Queue[Any] = asyncio.Queue()
        self.ups = 0
        self.downs = 0
        self.dialer = LinkDialer(
            f"ws://127.0.0.1:{port}/ws/link/",
            "secret",
            "stage",
            "stage 1",
            hello=lambda: {"type": "hello", "ups": self.ups},
            on_text=self.take,
            on_binary=self.take,
            on_up=self.up,
            on_down=self.down,
        )

    async def take(self, frame: Any) -> None:
        if isinstance(frame, dict) and frame["type"] == "broken":
            raise KeyError("generation")
        self.heard.put_nowait(frame)

    async def up(self) -> None:
        self.ups += 1
        self.dialer.send_text({"type": "room.open", "room": "r"})

    async def down(self) -> None:
        self.downs += 1


@asynccontextmanager
async def linked():
    web = Web()
    async with serve(web.take, "127.0.0.1", 0) as server:
        process = Process(server.sockets[0].getsockname()[1])
        task = asyncio.create_task(process.dialer.run())
        try:
            yield web, process
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@with_sockets
async def test_hello_comes_first_with_token_and_name() -> None:
    async with linked() as (web, _):
        assert (await web.text())["type"] == "hello"
        assert (await web.text())["type"] == "room.open"
        request = web.sockets[0].request
        assert request.headers["Authorization"] == "Bearer secret"
        assert request.path == "/ws/link/?role=stage&name=stage+1"


@with_sockets
async def test_frames_arrive_in_order_and_bad_ones_end_nothing() -> None:
    async with linked() as (web, process):
        await web.text()
        link = web.sockets[0]
        for data in ("not json", '{"no":"type"}', b"not a frame", '{"type":"broken"}', '{"type":"nudge","room":"a"}'):
            await link.send(data)
        await link.send(wire.pack_binary(wire.Kind.MEDIA, {"room": "b"}, b"x"))
        assert (await asyncio.wait_for(process.heard.get(), 30))["room"] == "a"
        assert (await asyncio.wait_for(process.heard.get(), 30)).room == "b"
        assert process.downs == 0


@with_sockets
async def test_lost_link_is_dialled_again_with_a_new_hello() -> None:
    async with linked() as (web, process):
        await web.text()
        await web.text()
        web.sockets[0].transport.abort()
        assert await web.text() == {"type": "hello", "ups": 1}
        assert (await web.text())["type"] == "room.open"
        assert (process.ups, process.downs) == (2, 1)


@with_sockets
async def test_web_that_does_not_answer_is_told_of_once_and_not_at_once(caplog) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        task = asyncio.create_task(Process(closed.getsockname()[1]).dialer.run())
        await asyncio.sleep(1.0)
        assert caplog.messages == [], "web may only be starting"
        await asyncio.sleep(30)
        assert len(caplog.messages) == 1
        assert "does not take the link" in caplog.messages[0]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@with_sockets
async def test_nothing_is_kept_for_later_while_the_link_is_down() -> None:
    process = Process(9)
    process.dialer.send_text({"type": "event", "room": "r"})
    process.dialer.send_binary(b"x")
    assert process.dialer.dropped == 2


@with_sockets
async def test_outbox_is_bounded_and_drops_the_oldest() -> None:
    async with linked() as (web, process):
        await web.text()
        await web.text()
        for number in range(OUTBOX_FRAMES + 20):
            process.dialer.send_text({"type": "event", "number": number})
        assert process.dialer.dropped == 20
        assert (await web.text())["number"] == 20
