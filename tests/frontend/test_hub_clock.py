"""Epochs, holding, and what the hub reports."""

import pytest

from avatar_engine.errors import WireError
from avatar_engine.stream.codec import CodecConfig
from avatar_engine.timing import FPS, SAMPLES_PER_FRAME
from frontend.hub import MediaHub
from frontend.room_clock import ORIGIN_S
from frontend.room_hub import State
from tests.frontend.hub_kit import (
    WALL_AT_ZERO,
    Reports,
    VirtualTime,
    assert_contiguous,
    build_frame,
    drain,
    frames_of,
    notes_of,
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


async def test_room_clock_starts_at_wall_time_so_a_restarted_hub_goes_on_later(hub, time):
    viewer = hub.room("demo").subscribe()
    hub.room("demo").publish(build_frame(0))
    (frame,) = frames_of(await drain(viewer))
    assert frame.room_pts == int((WALL_AT_ZERO - ORIGIN_S) * FPS) * SAMPLES_PER_FRAME


async def test_new_epoch_goes_on_right_after_the_last_frame(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    await show(room, time, range(500, 520), key=True)
    await show(room, time, range(10), epoch=2000)
    messages = await drain(viewer)
    frames = frames_of(messages)
    assert len(frames) == 30
    assert_contiguous(frames)
    timelines = notes_of(messages, "timeline")
    assert [note["epoch"] for note in timelines] == [1000, 2000]
    assert timelines[1]["offset"] == frames[20].room_pts


async def test_late_joiner_learns_the_place_of_recent_epochs(hub, time):
    room = hub.room("demo")
    for epoch in range(1000, 1006):
        await show(room, time, range(3), epoch=epoch)
    epochs = [note["epoch"] for note in notes_of(await drain(room.subscribe()), "timeline")]
    assert epochs == [1002, 1003, 1004, 1005]


async def test_older_epoch_is_ignored_while_a_newer_one_is_live(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    room.publish(build_frame(0, epoch=2000))
    room.publish(build_frame(50, epoch=1000))
    assert len(frames_of(await drain(viewer))) == 1


async def test_lost_frame_waits_for_a_key_frame_and_asks_for_it(hub, time, reports):
    room = hub.room("demo")
    viewer = room.subscribe()
    for number in (0, 1, 3, 4):
        room.publish(build_frame(number))
    room.publish(build_frame(5, key=True))
    frames = frames_of(await drain(viewer))
    assert [frame.key for frame in frames] == [True, False, True]
    assert_contiguous(frames)
    assert reports.keyframes == ["demo"]


async def test_new_codec_is_announced_before_its_first_frame(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    room.publish(build_frame(0))
    await drain(viewer)
    other = CodecConfig(width=128, height=128, fps=25, avcc=bytes.fromhex("0142c01effe100"), preskip=120)
    room.publish(build_frame(0, epoch=2000, config=other))
    messages = await drain(viewer)
    (note,) = notes_of(messages, "init")
    assert (note["mime"], note["width"]) == ('video/mp4; codecs="avc1.42c01e,opus"', 128)
    assert messages.index(note) < messages.index(frames_of(messages)[0])


async def test_render_loss_holds_the_picture_at_once_and_until_a_key_frame_comes(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    put_clip(room)
    await show(room, time, range(20))
    room.render_lost()
    await time.advance(1)
    held = await drain(viewer)
    assert notes_of(held, "holding") == [{"type": "holding", "on": True}]
    idle = [frame for frame in frames_of(held) if frame.idle]
    assert idle[0].key
    assert len(idle) == pytest.approx(FPS, abs=1)
    assert_contiguous(frames_of(held))
    room.acknowledge(viewer, idle[-1].seq, 0)

    room.publish(build_frame(7, epoch=2000))
    await show(room, time, range(8, 20), epoch=2000, key=True)
    back = await drain(viewer)
    assert notes_of(back, "holding") == [{"type": "holding", "on": False}]
    frames = frames_of(back)
    assert [frame.idle for frame in frames] == [False] * 12
    assert_contiguous([idle[-1], *frames])
    assert room.state is State.LIVE


async def test_silent_render_is_taken_for_lost_after_0_8_s(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    put_clip(room)
    await show(room, time, range(5))
    await time.advance(0.7)
    assert room.state is State.LIVE
    await time.advance(0.2)
    assert room.state is State.HOLDING
    idle = [frame for frame in frames_of(await drain(viewer)) if frame.idle]
    assert 4 <= len(idle) <= 10


async def test_same_render_coming_back_after_a_stall_continues_the_room_clock(hub, time, reports):
    room = hub.room("demo")
    viewer = room.subscribe()
    put_clip(room)
    await show(room, time, range(5))
    await time.advance(1.5)
    await show(room, time, range(5, 8))
    await show(room, time, range(8, 12), key=True)
    messages = await drain(viewer)
    assert_contiguous(frames_of(messages))
    assert reports.keyframes == ["demo"]
    offsets = [note["offset"] for note in notes_of(messages, "timeline")]
    assert len(offsets) == 2
    assert offsets[1] > offsets[0]


async def test_one_who_joins_while_holding_gets_a_picture_from_a_key_frame(hub, time):
    room = hub.room("demo")
    put_clip(room)
    await show(room, time, range(5))
    room.render_lost()
    await time.advance(1)
    viewer = room.subscribe()
    await time.advance(0.2)
    messages = await drain(viewer)
    assert messages[0]["type"] == "init"
    assert {"type": "holding", "on": True} in messages
    frames = frames_of(messages)
    assert frames[0].key
    assert frames[0].idle
    assert len(frames) > 5


async def test_room_without_idle_clip_still_says_that_it_holds_and_shows_the_clip_when_it_comes(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    await show(room, time, range(3))
    room.render_lost()
    await time.advance(1)
    messages = await drain(viewer)
    assert notes_of(messages, "holding") == [{"type": "holding", "on": True}]
    assert len(frames_of(messages)) == 3
    put_clip(room)
    await time.advance(1)
    assert len(frames_of(await drain(viewer))) >= FPS


async def test_restarted_web_process_holds_the_picture_before_render_is_back(hub, time, tmp_path):
    put_clip(hub.room("demo"))
    await hub.close()
    again = MediaHub(idle_dir=tmp_path, clock=time.clock, wall=time.wall, sleep=time.sleep)
    viewer = again.room("demo").subscribe()
    await time.advance(1)
    frames = frames_of(await drain(viewer))
    assert len(frames) >= FPS - 2
    assert frames[0].key
    await again.close()


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"", lambda data: b"x" + data[1:]])
async def test_damaged_idle_clip_is_as_good_as_none(hub, time, tmp_path, damage):
    put_clip(hub.room("demo"))
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    again = MediaHub(idle_dir=tmp_path, clock=time.clock, wall=time.wall, sleep=time.sleep)
    assert again.room("demo").state is State.OFF_AIR
    await again.close()


async def test_idle_clip_with_a_hole_is_refused(hub):
    room = hub.room("demo")
    room.put_idle_clip(0, 5, build_frame(0, epoch=0))
    with pytest.raises(WireError):
        room.put_idle_clip(2, 5, build_frame(2, epoch=0))


async def test_going_off_air_ends_the_picture_and_the_stored_clip(hub, time, tmp_path):
    room = hub.room("demo")
    viewer = room.subscribe()
    put_clip(room)
    await show(room, time, range(5))
    hub.close_room("demo")
    await drain(viewer)
    await time.advance(3)
    assert await drain(viewer) == []
    assert list(tmp_path.iterdir()) == []
    assert await drain(room.subscribe()) == [
        {"type": "timeline", "epoch": 1000, "offset": pytest.approx(1.5e12, rel=1)}
    ]
    room.publish(build_frame(0, epoch=2000))
    messages = await drain(viewer)
    assert len(notes_of(messages, "init")) == len(frames_of(messages)) == 1


async def test_header_carries_the_render_clock(hub):
    viewer = hub.room("demo").subscribe()
    hub.room("demo").publish(build_frame(0, speaking=True))
    (frame,) = frames_of(await drain(viewer))
    assert frame.wall_ms == 1_800_000_000_000.0
    assert frame.flags == 1 | 2 | 4
