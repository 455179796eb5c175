"""Chromium, and a web server with the real pages and pretended sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
START_S = 60
FLAGS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required")


@pytest.fixture(scope="session")
def page_site() -> Iterator[str]:
    """Address of a running `tests.fakes.page_server`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.fakes.page_server", "--port", str(port)]
    server = subprocess.Popen(command, cwd=REPOSITORY)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=10)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if server.poll() is not None:
            pytest.fail(f"the page server ended with {server.returncode}")
        try:
            urllib.request.urlopen(address, timeout=10).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the page server did not answer within {START_S} s")


@pytest.fixture(scope="module")  # its event loop must be gone before a test with a loop of its own
def browser(chromium: str) -> Iterator[object]:
    """One Chromium for the pages of a module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser, page_site: str) -> Iterator[Callable[..., object]]:
    """`open_page(path, **context options)`; the test fails on an error in a page's script or a broken policy."""
    contexts, troubles = [], []

    def open_path(path: str, script: str = "", **options: object) -> object:
        context = browser.new_context(base_url=page_site, **{"locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
        if script:
            page.add_init_script(script)
        page.goto(path)
        return page

    yield open_path
    for context in contexts:
        context.close()
    assert troubles == []
