"""Two web copies behind nginx with the file of deploy/, without TLS."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from frontend.hub import SOCKETS_PER_ADDRESS
from tests.conftest import Services
from tests.rules.source import ROOT
from tests.support.live_system import wait_until
from tests.support.service_system import ServiceSystem, find_ports
from tests.support.socket_viewer import SocketViewer

pytestmark = [
    pytest.mark.services,
    pytest.mark.journey,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="no nginx here: sudo apt install nginx-light"),
]
TEMPLATE = ROOT / "deploy" / "nginx.conf.template"
AROUND = """
daemon off;
error_log stderr;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
"""


def build_site(port: int, web_ports: list[int]) -> str:
    """The deployed file with its names filled in; its TLS lines and the way from http to https are left out."""
    site = TEMPLATE.read_text(encoding="utf-8")
    site = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", site, flags=re.DOTALL)
    site = re.sub(r"    ssl_\w+ .*;\n", "", site)
    site = site.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
    names = {"SERVER_NAME": "127.0.0.1", "WEB_1": f"127.0.0.1:{web_ports[0]}", "WEB_2": f"127.0.0.1:{web_ports[1]}"}
    for name, value in names.items():
        site = site.replace(f"${{{name}}}", value)
    return site


@pytest.fixture(scope="module")
def system(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceSystem]:
    folder = tmp_path_factory.mktemp("behind-nginx")
    urls = (services.database_url, services.redis_url, services.broker_url)
    with ServiceSystem(folder, *urls, first_port=8500, FOOTLIGHT_BEHIND_PROXY="1") as running:
        running.wait_on_air()
        yield running


@pytest.fixture(scope="module")
def door(system: ServiceSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of nginx."""
    folder = tmp_path_factory.mktemp("nginx")
    (port,) = find_ports(1, 8600)
    config: Path = folder / "nginx.conf"
    config.write_text(AROUND.format(folder=folder, site=build_site(port, system.ports)), encoding="utf-8")
    nginx = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config)], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/healthz"]).returncode == 0, 10)
        yield f"127.0.0.1:{port}"
    finally:
        nginx.terminate()
        nginx.wait(10)


async def count_accepted(door: str, source: str, tries: int) -> int:
    """How many media sockets out of `tries` from one address stay open."""
    async with AsyncExitStack() as sockets:
        accepted = 0
        for _ in range(tries):
            socket = await sockets.enter_async_context(
                connect(
                    f"ws://{door}/ws/rooms/mira/media/",
                    origin=f"http://{door}",  # type: ignore[arg-type]
                    local_addr=(source, 0),
                    additional_headers={"X-Forwarded-For": f"10.0.0.{accepted}"},
                    proxy=None,
                )
            )
            try:
                accepted += json.loads(await socket.recv())["type"] == "hello"
            except ConnectionClosed:
                continue
        return accepted


async def test_limits_count_the_address_of_the_viewer_and_believe_no_header(door: str) -> None:
    # Each copy counts for itself, and nginx spreads the sockets over both.
    assert await count_accepted(door, "127.0.0.5", 2 * SOCKETS_PER_ADDRESS + 4) == 2 * SOCKETS_PER_ADDRESS
    assert await count_accepted(door, "127.0.0.6", 1) == 1


async def test_page_whose_copy_dies_goes_on_through_the_other_one(system: ServiceSystem, door: str) -> None:
    async with SocketViewer(f"ws://{door}", name="Ada") as ada:
        await ada.wait(lambda: len(ada.fragments) > 25, 20)
        for name in ("web-0", "web-1"):
            last = ada.fragments[-1].room_pts
            system.kill(name)
            await ada.wait(lambda last=last: any(f.room_pts > last and not f.held for f in ada.fragments), 15)
            message = await ada.say(f"Is {name} gone?")
            await ada.wait(lambda message=message: ada.state_of(message) == "answered", 30)
            system.start(name)
            system.wait_on_air()
    assert len(ada.inits) >= 2
