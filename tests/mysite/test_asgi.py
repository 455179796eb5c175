"""The doors of a web process."""

import json
from typing import Any

import pytest
from channels.testing import HttpCommunicator, WebsocketCommunicator
from django.conf import settings

from chat.models import Room
from frontend.hub import MediaHub
from frontend.relay import Relay
from mysite.asgi import build_application
from mysite.routing import build_hub, build_relay

HOST = (b"host", b"testserver")
ORIGIN = (b"origin", b"http://testserver")


@pytest.fixture
def application() -> Any:
    return build_application()


@pytest.fixture
def own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(settings.FOOTLIGHT), "allowed_hosts", ("testserver",))


async def connect(application: Any, path: str, *headers: tuple[bytes, bytes]) -> bool:
    socket = WebsocketCommunicator(application, path, [HOST, *headers])
    connected, _ = await socket.connect(timeout=5)
    await socket.disconnect()
    return bool(connected)


def test_hub_and_relay_hold_together() -> None:
    hub = build_hub(settings.FOOTLIGHT)
    relay = build_relay(hub, settings.FOOTLIGHT)
    assert isinstance(hub, MediaHub)
    assert isinstance(relay, Relay)
    assert relay.hub is hub


@pytest.mark.django_db(transaction=True)
async def test_pages_see_the_hub_through_their_scope(application: Any) -> None:
    await Room.objects.acreate(slug="one", title="One", is_on_air=True)
    request = HttpCommunicator(application, "GET", "/readyz", headers=[HOST])
    answer = await request.get_response(timeout=5)
    assert answer["status"] == 503
    assert json.loads(answer["body"])["rooms"] == {"one": "off_air"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", ["chat", "media"])
async def test_page_socket_opens_for_its_own_page_alone(own_host: None, part: str) -> None:
    await Room.objects.acreate(slug="one", title="One")
    path = f"/ws/rooms/one/{part}/"
    application = build_application()
    assert await connect(application, path, ORIGIN)
    assert not await connect(application, path, (b"origin", b"https://evil.example"))
    assert not await connect(application, path)


@pytest.mark.django_db(transaction=True)
async def test_link_opens_for_the_token_alone(application: Any) -> None:
    path = "/ws/link/?role=render&name=render-1"
    token = settings.FOOTLIGHT.link_token().encode()
    assert await connect(application, path, (b"authorization", b"Bearer " + token))
    assert not await connect(application, path, (b"authorization", b"Bearer " + token[:-1]))
    assert not await connect(application, path, ORIGIN)


@pytest.mark.django_db(transaction=True)
async def test_unknown_socket_is_refused_quietly(application: Any) -> None:
    assert not await connect(application, "/ws/anything/", ORIGIN)
