"""Stage and render dial web with this: one socket, reconnecting for ever, with a bounded outbox."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from avatar_engine import wire
from avatar_engine.errors import WireError

log = logging.getLogger(__name__)

OUTBOX_FRAMES = 500
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 2.0
SAID_AT_TRY = 5
"""Of failures in a row, about three seconds: processes that start together need not hear that web comes last."""


class LinkDialer:
    """Keeps one link to web open.

    `hello` builds the first message of each connection. `on_text` and `on_binary` get what arrives, in order.
    While the link is down, and when the outbox holds 500 frames, the oldest frame is dropped and counted:
    rows are the truth, and both sides say where they stand in the hello.
    """

    def __init__(
        self,
        url: str,
        token: str,
        role: str,
        name: str,
        *,
        hello: Callable[[], dict[str, Any]],
        on_text: Callable[[dict[str, Any]], Awaitable[None]],
        on_binary: Callable[[wire.BinaryFrame], Awaitable[None]],
        on_up: Callable[[], Awaitable[None]] | None = None,
        on_down: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._url = f"{url}?{urlencode({'role': role, 'name': name})}"
        self._token = token
        self._hello = hello
        self._on_text = on_text
        self._on_binary = on_binary
        self._on_up = on_up
        self._on_down = on_down
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue(OUTBOX_FRAMES)
        self.connected = asyncio.Event()
        self.dropped = 0

    def send_text(self, message: dict[str, Any]) -> None:
        """Queue a text frame; never waits."""
        self._put(wire.pack_text(message))

    def send_binary(self, frame: bytes) -> None:
        """Queue a binary frame; never waits."""
        self._put(frame)

    def _put(self, frame: str | bytes) -> None:
        if not self.connected.is_set():
            self.dropped += 1
            return
        if self._outbox.full():
            self._outbox.get_nowait()
            self.dropped += 1
        self._outbox.put_nowait(frame)

    async def run(self) -> None:
        """Dial, serve, dial again. Ends only by cancellation."""
        retry_s, tries = RETRY_FIRST_S, 0
        while True:
            try:
                async with connect(
                    self._url,
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    max_size=wire.MAX_HEADER_BYTES + wire.MAX_PAYLOAD_BYTES,
                    compression=None,
                    open_timeout=3,
                    ping_interval=5,
                    ping_timeout=10,
                    proxy=None,
                ) as socket:
                    retry_s, tries = RETRY_FIRST_S, 0
                    await self._serve(socket)
            except (OSError, TimeoutError, InvalidHandshake, InvalidURI, WebSocketException) as error:
                if not self.connected.is_set():
                    tries += 1
                    level = logging.WARNING if tries == SAID_AT_TRY else logging.DEBUG
                    log.log(level, "web does not take the link: %s", error)
            await self._went_down()
            await asyncio.sleep(retry_s * (0.5 + random.random()))
            retry_s = min(retry_s * 2, RETRY_MOST_S)

    async def _went_down(self) -> None:
        was_up = self.connected.is_set()
        self.connected.clear()
        while not self._outbox.empty():
            self._outbox.get_nowait()
            self.dropped += 1
        if was_up:
            log.warning("link to web is down, dialling again")
            if self._on_down is not None:
                await self._on_down()

    async def _serve(self, socket: ClientConnection) -> None:
        await socket.send(wire.pack_text(self._hello()))
        self.connected.set()
        log.info("link to web is up")
        if self._on_up is not None:
            await self._on_up()
        writer = asyncio.create_task(self._write(socket), name="link-writer")
        try:
            async for data in socket:
                await self._dispatch(data)
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _dispatch(self, data: str | bytes) -> None:
        try:
            if isinstance(data, str):
                await self._on_text(wire.unpack_text(data))
            else:
                await self._on_binary(wire.unpack_binary(data))
        except (WireError, KeyError, TypeError, ValueError) as error:
            log.warning("a frame from web was dropped: %r", error)

    async def _write(self, socket: ClientConnection) -> None:
        while True:
            await socket.send(await self._outbox.get())
