"""A real HTTP server on this machine that speaks just enough of the OpenAI protocol, and misbehaves on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.own_server import OwnServer


@dataclass(frozen=True)
class Script:
    """How the server answers a request.

    status:     HTTP status; anything but 200 is sent as a JSON error.
    pieces:     texts of the reply, one event each.
    hold_after: number of pieces after which nothing more is sent, the connection staying open; None for never.
    drop_after: number of pieces after which the connection is cut; None for never.
    raw:        sent as the whole body instead of events.
    """

    status: int = 200
    pieces: Sequence[str] = ("Hello ", "there!")
    hold_after: int | None = None
    drop_after: int | None = None
    raw: bytes | None = None


class OpenAIServer(OwnServer):
    """`async with OpenAIServer(Script()) as server:` listens on `server.base_url`.

    requests: bodies of the requests, with their API key as "key".
    asked:    set once a request came.
    """

    def __init__(self, script: Script | None = None) -> None:
        super().__init__()
        self.script = script or Script()
        self.asked = asyncio.Event()

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one prompt and answer it."""
        await self._read_request(reader)
        await self._answer(reader, writer)

    async def _read_request(self, reader: asyncio.StreamReader) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        self.requests.append({**body, "key": headers["authorization"].removeprefix("bearer ")})
        self.asked.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.script
        if script.status != 200:
            body = json.dumps({"error": {"message": "as the test wants"}}).encode()
            writer.write(_head(script.status, "application/json", len(body)) + body)
            return await writer.drain()
        writer.write(_head(200, "text/event-stream", None))
        if script.raw is not None:
            writer.write(_chunk(script.raw) + _chunk(b""))
            return await writer.drain()
        writer.write(_event({"role": "assistant", "content": None}))
        for sent, piece in enumerate(script.pieces):
            if sent == script.hold_after:
                return await self.hold(reader)
            if sent == script.drop_after:
                return writer.transport.abort()
            writer.write(_event({"content": piece}))
            await writer.drain()
        if script.hold_after is not None and script.hold_after >= len(script.pieces):
            return await self.hold(reader)
        writer.write(_chunk(b"data: [DONE]\n\n") + _chunk(b""))
        await writer.drain()


def _head(status: int, content_type: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 {status} Test\r\nContent-Type: {content_type}\r\n{size}\r\nConnection: close\r\n\r\n".encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _event(delta: dict[str, Any]) -> bytes:
    chunk = {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
    return _chunk(f"data: {json.dumps(chunk)}\n\n".encode())
