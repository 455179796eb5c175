"""The web server of one machine waits for a page that does not read, instead of keeping all that it is sent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from mysite.env import REPOSITORY
from mysite.machine import find_free_port
from tests.fakes.talkative_app import FRAME, FRAMES

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
START_S = 60


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    found = find_free_port("127.0.0.1", 8700)
    command = [sys.executable, "-m", "mysite.daphne_server", "-v", "0", "-b", "127.0.0.1", "-p", str(found)]
    server = subprocess.Popen([*command, "tests.fakes.talkative_app:application"], cwd=REPOSITORY)
    try:
        wait_for(lambda: is_up(found))
        yield found
    finally:
        server.terminate()
        server.wait(10)


def is_up(port: int) -> bool:
    try:
        ask(port)
    except OSError:
        return False
    return True


def ask(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return json.load(answer)


def wait_for(condition: Callable[[], bool], limit_s: float = START_S) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def dial(port: int, path: bytes) -> socket.socket:
    """A page that reads nothing after the handshake."""
    page = socket.socket()
    page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    page.connect(("127.0.0.1", port))
    page.sendall(HANDSHAKE % path)
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += page.recv(1)
    assert b" 101 " in answer
    return page


def count_when_it_stands(port: int) -> int:
    """Frames sent, once no more are."""
    before, now = -1, ask(port)["sent"]
    while now != before or not now:
        time.sleep(1)
        before, now = now, ask(port)["sent"]
    return now


def test_page_that_does_not_read_makes_its_application_wait_and_one_that_leaves_ends_the_wait(port: int) -> None:
    before = ask(port)
    page = dial(port, b"/ws/rooms/a/chat/")
    stood_at = count_when_it_stands(port) - before["sent"]
    assert stood_at < FRAMES / 2, "what waits is bounded by the buffers of the sockets"
    read_bytes = 0
    while read_bytes < 2 * stood_at * len(FRAME):
        read_bytes += len(page.recv(1 << 20))
    assert ask(port)["sent"] - before["sent"] > stood_at, "it goes on when the page reads"
    page.close()
    wait_for(lambda: ask(port)["left"] == before["left"] + 1)


def test_page_that_does_not_read_can_be_closed(port: int) -> None:
    before = ask(port)["left"]
    with dial(port, b"/ws/rooms/a/impatient/"):
        wait_for(lambda: ask(port)["left"] == before + 1)


def test_link_between_processes_never_waits(port: int) -> None:
    before = ask(port)["sent"]
    with dial(port, b"/ws/link/"):
        wait_for(lambda: ask(port)["sent"] == before + FRAMES)
