"""Which rooms a web process keeps: those on air, and those that somebody watches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from frontend.hub import MediaHub
from frontend.hub_hooks import HubHooks
from frontend.room_hub import State
from tests.frontend.hub_kit import VirtualTime, build_frame, drain, frames_of, settle


class Told:
    """Rooms that came and went."""

    def __init__(self) -> None:
        self.rooms: list[tuple[str, str]] = []

    async def came(self, room: str) -> None:
        self.rooms.append(("came", room))

    async def went(self, room: str) -> None:
        self.rooms.append(("went", room))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def hub(told: Told, tmp_path: Path) -> AsyncIterator[MediaHub]:
    time = VirtualTime()
    hooks = HubHooks(on_room=told.came, on_room_gone=told.went)
    made = MediaHub(hooks, idle_dir=tmp_path, clock=time.clock, wall=time.wall, sleep=time.sleep)
    yield made
    await made.close()


async def test_room_that_goes_off_air_unwatched_is_forgotten(hub: MediaHub, told: Told) -> None:
    hub.room("demo").publish(build_frame(0))
    hub.close_room("demo")
    await settle()
    assert dict(hub.rooms) == {}
    assert told.rooms == [("came", "demo"), ("went", "demo")]


async def test_watched_room_stays_until_its_last_viewer_leaves_and_is_made_anew(hub: MediaHub, told: Told) -> None:
    room = hub.room("demo")
    room.publish(build_frame(0))
    first, last = room.subscribe(), room.subscribe()
    hub.close_room("demo")
    room.unsubscribe(first)
    assert hub.room("demo") is room
    room.publish(build_frame(0, epoch=2000))
    assert frames_of(await drain(last))[-1].key, "viewers get the next broadcast"
    hub.close_room("demo")
    room.unsubscribe(last)
    await settle()
    assert dict(hub.rooms) == {}
    assert hub.room("demo") is not room
    await settle()
    assert told.rooms == [("came", "demo"), ("went", "demo"), ("came", "demo")]


async def test_room_on_air_stays_without_viewers(hub: MediaHub) -> None:
    room = hub.room("demo")
    room.publish(build_frame(0))
    room.unsubscribe(room.subscribe())
    assert hub.rooms["demo"].state is State.LIVE


async def test_word_about_a_room_that_is_not_shown_makes_none(hub: MediaHub, tmp_path: Path) -> None:
    (tmp_path / "gone.clip").write_bytes(b"of a room that was deleted")
    hub.interrupt("gone", 1, 2)
    hub.render_lost("gone")
    hub.close_room("gone")
    assert dict(hub.rooms) == {}
    assert not (tmp_path / "gone.clip").exists()
