"""What the hub tells the relay."""

import pytest

from avatar_engine.timing import FPS
from frontend.hub import MediaHub
from frontend.hub_hooks import HubHooks
from tests.frontend.hub_kit import (
    WALL_AT_ZERO,
    Reports,
    VirtualTime,
    build_frame,
    drain,
    frames_of,
    put_clip,
    show,
)


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
def reports():
    return Reports()


@pytest.fixture
async def hub(time, reports, tmp_path):
    hub = MediaHub(reports.hooks, idle_dir=tmp_path, clock=time.clock, wall=time.wall, sleep=time.sleep)
    yield hub
    await hub.close()


async def test_first_viewer_to_show_a_moment_is_reported_at_most_four_times_a_second(hub, time, reports):
    room = hub.room("demo")
    viewers = [room.subscribe(), room.subscribe()]
    for number in range(100):
        room.publish(build_frame(number))
        frames = frames_of(await drain(viewers[0]))
        for viewer in viewers:
            room.acknowledge(viewer, frames[-1].seq, frames[-1].room_pts)
        await time.advance(1 / FPS)
    pts = [entry[2] for entry in reports.displayed]
    assert 14 <= len(pts) <= 17
    assert pts == sorted(set(pts))
    assert reports.displayed[0] == ("demo", 1000, 0, WALL_AT_ZERO * 1000)


async def test_start_of_speech_is_reported_as_delivered_and_at_once_when_displayed(hub, time, reports):
    room = hub.room("demo")
    viewer = room.subscribe()
    await show(room, time, range(3))
    await show(room, time, range(3, 6), speaking=True, generation=7)
    await show(room, time, range(6, 8), speaking=True, generation=8)
    await show(room, time, range(8, 10))
    assert [(room, epoch, pts, generation) for room, epoch, pts, generation, _ in reports.delivered] == [
        ("demo", 1000, 3 * 1920, 7),
        ("demo", 1000, 6 * 1920, 8),
    ]
    frames = frames_of(await drain(viewer))
    for frame in frames:
        room.acknowledge(viewer, frame.seq, frame.room_pts)
    await time.advance(0)
    assert [entry[2] // 1920 for entry in reports.displayed] == [0, 3, 6]


async def test_claims_about_the_future_or_the_idle_clip_are_not_reported(hub, time, reports):
    room = hub.room("demo")
    viewer = room.subscribe()
    put_clip(room)
    await show(room, time, range(2))
    room.acknowledge(viewer, 1, 1 << 60)
    room.render_lost()
    await time.advance(1)
    room.acknowledge(viewer, 1, frames_of(await drain(viewer))[-1].room_pts)
    await time.advance(0)
    assert reports.displayed == []


async def test_viewer_count_is_reported_as_it_changes(hub, time, reports):
    room = hub.room("demo")
    room.unsubscribe(room.subscribe())
    await time.advance(0)
    assert reports.audience == [("demo", 1), ("demo", 0)]


async def test_hook_that_fails_does_not_stop_the_others(time, caplog):
    seen = []

    async def audience(room, viewers):
        seen.append(viewers)
        if viewers == 1:
            raise RuntimeError("the stage is gone")

    hub = MediaHub(clock=time.clock, wall=time.wall, sleep=time.sleep)
    hub.attach(HubHooks(on_audience=audience))
    hub.room("demo").subscribe()
    hub.room("demo").subscribe()
    await time.advance(0)
    assert seen == [1, 2]
    assert "the stage is gone" in caplog.text
    await hub.close()
