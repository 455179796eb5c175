"""A page socket opens for pages of this site alone."""

from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from mysite.origins import PageOriginValidator


async def accept(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})


async def connect(headers: dict[str, str]) -> bool:
    application = PageOriginValidator(accept, ["127.0.0.1", "show.example.org"], ["https://show.example.org"])
    socket = WebsocketCommunicator(application, "/ws/", [(k.encode(), v.encode()) for k, v in headers.items()])
    connected, _ = await socket.connect()
    return bool(connected)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000"},
        {"host": "Show.Example.org", "origin": "https://show.example.org"},
        {"host": "web:8000", "origin": "https://show.example.org"},
    ],
)
async def test_own_page_is_let_in(headers: dict[str, str]) -> None:
    assert await connect(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8000"},
        {"host": "127.0.0.1:8000", "origin": "null"},
        {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:9000"},
        {"host": "127.0.0.1:8000", "origin": "https://evil.example"},
        {"host": "127.0.0.1:8000", "origin": "http://127.0.0.1:8000.evil.example"},
        {"host": "evil.example:8000", "origin": "http://evil.example:8000"},
        {"host": "127.0.0.1:8000", "origin": "http://[broken"},
        {"origin": "http://127.0.0.1:8000"},
    ],
)
async def test_foreign_page_and_bare_program_are_refused(headers: dict[str, str]) -> None:
    assert not await connect(headers)
