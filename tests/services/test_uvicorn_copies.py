"""Web copies under uvicorn, as docs/operations.md starts it: one show at both, and one goes on when the other dies."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conftest import Services
from tests.services.test_two_copies import assert_on_air_again, media_of, speaking
from tests.support.service_system import ServiceSystem
from tests.support.socket_viewer import SocketViewer

pytestmark = [pytest.mark.services, pytest.mark.journey]


@pytest.fixture(scope="module")
def system(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceSystem]:
    folder = tmp_path_factory.mktemp("uvicorn")
    urls = (services.database_url, services.redis_url, services.broker_url)
    with ServiceSystem(folder, *urls, first_port=8400, server="uvicorn") as running:
        running.wait_on_air(120)
        yield running


async def test_message_is_answered_at_both_copies_and_the_other_goes_on_when_one_dies(system: ServiceSystem) -> None:
    async with SocketViewer(system.ws_url(0), name="Ada") as ada, SocketViewer(system.ws_url(1), name="Ben") as ben:
        for viewer in (ada, ben):
            await viewer.wait(lambda viewer=viewer: len(viewer.fragments) > 25, 20)
        first = await ada.say("What do you like about the theatre?")
        for viewer in (ada, ben):
            await viewer.wait(lambda viewer=viewer: viewer.state_of(first) == "answered", 40)
        assert ada.replies_to(first) == ben.replies_to(first) != []
        at_ada, at_ben = ({f.room_pts: media_of(f) for f in viewer.fragments} for viewer in (ada, ben))
        shared = at_ada.keys() & at_ben.keys()
        assert len(shared) > 50
        assert all(at_ada[pts] == at_ben[pts] for pts in shared)
        seen = len(ben.fragments)
        second = await ben.say("Tell me about the stage.")
        await speaking(ben, seen)
        killed_s = time.monotonic()
        system.kill("web-0")
        await assert_on_air_again(system, ben, second, killed_s)
