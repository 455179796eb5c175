"""Two web copies on PostgreSQL, Redis and RabbitMQ: one show, whoever dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conftest import Services
from tests.support.live_system import wait_until
from tests.support.service_system import ServiceSystem
from tests.support.socket_viewer import Fragment, SocketViewer

pytestmark = [pytest.mark.services, pytest.mark.journey]

BACK_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def system(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceSystem]:
    folder = tmp_path_factory.mktemp("services")
    with ServiceSystem(folder, services.database_url, services.redis_url, services.broker_url) as running:
        yield running


@pytest.fixture
async def viewers(system: ServiceSystem) -> AsyncIterator[tuple[SocketViewer, SocketViewer]]:
    """One viewer at each copy, both seeing a moving picture."""
    for copy in (0, 1):
        if f"web-{copy}" not in system.running:
            system.start(f"web-{copy}")
    system.wait_on_air()
    async with SocketViewer(system.ws_url(0), name="Ada") as ada, SocketViewer(system.ws_url(1), name="Ben") as ben:
        for viewer in (ada, ben):
            await viewer.wait(lambda viewer=viewer: len(viewer.fragments) > 25, 20)
        yield ada, ben


async def speaking(viewer: SocketViewer, since: int, limit_s: float = 30.0) -> None:
    await viewer.wait(lambda: any(f.speaking for f in viewer.fragments[since:]), limit_s)


def media_of(fragment: Fragment) -> bytes:
    """Picture and sound, without the numbers that each copy counts for itself."""
    return fragment.data[fragment.data.index(b"mdat") :]


async def assert_on_air_again(system: ServiceSystem, viewer: SocketViewer, message: int, killed_s: float) -> None:
    """A sentence begins to be heard in time; who asked before and after the kill is answered; nothing twice."""
    again = await viewer.say("Are you still there?")
    await viewer.wait(lambda: bool(viewer.replies_to(again)), 40)
    took_s = min(event["at_s"] for event in viewer.of("reply") if event["at_s"] > killed_s) - killed_s
    assert took_s < BACK_WITHIN_S, f"on air again after {took_s:.1f} s\n{system.log()}"
    await viewer.wait(lambda: viewer.state_of(again) == "answered", 40)
    wait_until(lambda: state_of(system, message) == "answered", 40, system.log)
    assert_nothing_twice(system, viewer)
    pts = [fragment.room_pts for fragment in viewer.fragments]
    assert pts == sorted(set(pts))


def state_of(system: ServiceSystem, message: int) -> str:
    return str(system.rows("SELECT state FROM chat_message WHERE id = %s", message)[0]["state"])


def assert_nothing_twice(system: ServiceSystem, viewer: SocketViewer) -> None:
    heard = system.rows("SELECT turn_id, heard FROM chat_sentence WHERE state = 'heard'")
    assert len(heard) == len({(row["turn_id"], row["heard"]) for row in heard})
    sentences = [event["sentence"] for event in viewer.of("reply")]
    assert len(sentences) == len(set(sentences))


async def test_viewers_of_both_copies_see_the_same_frames_at_the_same_time_of_the_room(
    system: ServiceSystem, viewers: tuple[SocketViewer, SocketViewer]
) -> None:
    ada, ben = viewers
    seen = len(ada.fragments), len(ben.fragments)
    message = await ben.say("What do you like about the theatre?")
    await asyncio.gather(speaking(ada, seen[0]), speaking(ben, seen[1]))
    await ada.wait(lambda: any(e["id"] == message for e in ada.of("message")), 5)
    await ada.wait(lambda: ada.state_of(message) == "answered", 40)
    await ben.wait(lambda: ben.state_of(message) == "answered", 40)
    assert ada.replies_to(message) == ben.replies_to(message) != []
    at_ada, at_ben = ({f.room_pts: media_of(f) for f in v.fragments} for v in viewers)
    shared = at_ada.keys() & at_ben.keys()
    assert len(shared) > 50
    assert all(at_ada[pts] == at_ben[pts] for pts in shared)


async def test_pages_of_both_copies_learn_how_many_chat(viewers: tuple[SocketViewer, SocketViewer]) -> None:
    for viewer in viewers:
        await viewer.wait(lambda viewer=viewer: [e["count"] for e in viewer.of("viewers")][-1:] == [2], 5)


@pytest.mark.parametrize("copy", [0, 1])
async def test_web_copy_killed_the_other_goes_on(
    system: ServiceSystem, viewers: tuple[SocketViewer, SocketViewer], copy: int
) -> None:
    staying = viewers[1 - copy]
    seen = len(staying.fragments)
    message = await staying.say("Tell me about the stage.")
    await speaking(staying, seen)
    killed_s = time.monotonic()
    system.kill(f"web-{copy}")
    await assert_on_air_again(system, staying, message, killed_s)


async def test_page_that_comes_back_to_the_other_copy_goes_on_where_it_was(
    system: ServiceSystem, viewers: tuple[SocketViewer, SocketViewer]
) -> None:
    ada, ben = viewers
    async with SocketViewer(system.ws_url(1), name="Ada again") as again:
        last = ada.fragments[-1].room_pts
        await again.wait(lambda: any(f.room_pts > last for f in again.fragments), 5)
        pts = [fragment.room_pts for fragment in again.fragments]
        assert pts[0] <= last + 48_000
        assert pts == sorted(set(pts))
        assert set(pts) & {fragment.room_pts for fragment in ben.fragments}


async def test_stage_holder_killed_another_takes_the_room(
    system: ServiceSystem, viewers: tuple[SocketViewer, SocketViewer]
) -> None:
    ada, _ = viewers
    system.start("stage-1")
    await asyncio.sleep(3)
    seen = len(ada.fragments)
    message = await ada.say("Tell me about the curtain.")
    await speaking(ada, seen)
    assert system.holder() == "stage-0"
    killed_s = time.monotonic()
    system.kill("stage-0")
    await assert_on_air_again(system, ada, message, killed_s)
    assert system.holder() == "stage-1"


async def test_connection_to_redis_cut_everybody_comes_back(
    system: ServiceSystem, viewers: tuple[SocketViewer, SocketViewer]
) -> None:
    ada, ben = viewers
    seen = len(ben.fragments)
    message = await ben.say("Tell me about the light.")
    await speaking(ben, seen)
    killed_s = time.monotonic()
    assert system.break_redis() >= 4
    await assert_on_air_again(system, ben, message, killed_s)
    await ada.wait(lambda: ada.fragments[-1].at_s > killed_s and not ada.fragments[-1].held, 10)
