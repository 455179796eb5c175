"""Joining late, reading slowly, acknowledging."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_engine.stream.fmp4 import build_init
from frontend.hub import MediaHub
from frontend.hub_hooks import HubHooks
from frontend.media_message import KIND_INIT
from frontend.viewer_queue import WINDOW_FRAGMENTS, Fragment, ViewerClosed, ViewerQueue
from tests.frontend.hub_kit import CONFIG, Received, VirtualTime, build_frame, drain, frames_of, notes_of

GOP = 50


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
async def hub(time):
    hub = MediaHub(clock=time.clock, wall=time.wall, sleep=time.sleep)
    yield hub
    await hub.close()


async def test_late_joiner_gets_codec_then_timeline_then_the_gop_from_its_key_frame(hub):
    room = hub.room("demo")
    for number in range(GOP + 10):
        room.publish(build_frame(number))
    messages = await drain(room.subscribe())

    assert messages[0] == {"type": "init", "mime": 'video/mp4; codecs="avc1.42c00a,opus"', "width": 64, "height": 64}
    assert isinstance(messages[1], Received)
    assert messages[1].kind == KIND_INIT
    assert messages[1].body == build_init(CONFIG)
    assert messages[2]["type"] == "timeline"
    frames = frames_of(messages)
    assert len(frames) == len(messages) - 3 == 10
    assert frames[0].key
    assert not any(frame.key for frame in frames[1:])
    assert messages[2]["offset"] == frames[0].room_pts - GOP * 1920


async def test_viewer_of_an_empty_room_gets_codec_and_picture_when_the_show_starts(hub):
    room = hub.room("demo")
    viewer = room.subscribe()
    assert await drain(viewer) == []
    room.publish(build_frame(0))
    messages = await drain(viewer)
    assert [m["type"] for m in messages if isinstance(m, dict)] == ["timeline", "init"]
    assert len(frames_of(messages)) == 1


async def test_every_viewer_gets_the_very_same_bytes(hub):
    room = hub.room("demo")
    first, second = room.subscribe(), room.subscribe()
    room.publish(build_frame(0))
    received = [[await viewer.get() for _ in range(4)] for viewer in (first, second)]
    assert received[0][3] is received[1][3]


async def test_slow_viewer_drops_to_a_key_frame_and_slows_no_one_else(hub):
    room = hub.room("demo")
    slow, fast = room.subscribe(), room.subscribe()
    fast_frames, slow_frames = [], []
    for number in range(5 * GOP):
        room.publish(build_frame(number))
        fast_frames += frames_of(await drain(fast))
        room.acknowledge(fast, fast_frames[-1].seq, 0)
        if number == 3 * GOP - 20:
            slow_frames += frames_of(await drain(slow))
            room.acknowledge(slow, slow_frames[-1].seq, 0)
        assert slow.in_flight <= WINDOW_FRAGMENTS
    assert [frame.seq for frame in fast_frames] == list(range(1, 5 * GOP + 1))

    slow_frames += frames_of(await drain(slow))
    seqs = [frame.seq for frame in slow_frames]
    assert slow.dropped > 0
    for before, after in itertools.pairwise(slow_frames):
        assert after.seq == before.seq + 1 or after.key
    assert seqs[-1] > 3 * GOP


async def test_viewer_that_reads_but_never_acknowledges_stops_at_the_window(hub):
    room = hub.room("demo")
    viewer = room.subscribe()
    received = []
    for number in range(3 * GOP):
        room.publish(build_frame(number))
        received += frames_of(await drain(viewer))
    assert len(received) == WINDOW_FRAGMENTS


@pytest.mark.parametrize("reads", [True, False])
async def test_viewer_without_acknowledgement_for_15_s_is_closed(hub, time, reads):
    room = hub.room("demo")
    silent, good = room.subscribe(), room.subscribe()
    number = 0
    while time.now < 15.0:
        room.publish(build_frame(number))
        frames = frames_of(await drain(good))
        room.acknowledge(good, frames[-1].seq, 0)
        if reads:
            await drain(silent)
        number += 1
        await time.advance(0.04)
    assert not silent.closed
    for _ in range(2):
        room.publish(build_frame(number))
        number += 1
        await time.advance(0.04)
    with pytest.raises(ViewerClosed) as closed:
        await silent.get()
    assert closed.value.code == 4408
    assert not good.closed


async def test_viewer_of_a_room_that_was_quiet_for_long_is_not_taken_for_dead(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    await time.advance(60)
    room.publish(build_frame(0))
    room.publish(build_frame(1))
    assert not viewer.closed


async def test_viewer_is_not_blamed_for_a_process_that_stood_still(time):
    """After a stall frames may be offered before the acknowledgements that came meanwhile are read."""
    viewer = ViewerQueue(time.clock)
    seqs = itertools.count(1)
    for _ in range(5):
        for seq in itertools.islice(seqs, 8):
            viewer.offer(Fragment(seq, seq == 1, b"x"))
            await viewer.get()
            time.now += 0.04
        time.now += 30
        viewer.offer(Fragment(next(seqs), False, b"x"))
        assert not viewer.closed
        viewer.acknowledge(seq)
        await viewer.get()
    assert viewer.dropped == 0


async def test_viewer_with_too_few_frames_to_acknowledge_waits_out_a_render_that_is_away(hub, time):
    room = hub.room("demo")
    viewer = room.subscribe()
    for number in range(5):  # pages acknowledge every twelfth
        room.publish(build_frame(number))
    await drain(viewer)
    await time.advance(60)
    room.publish(build_frame(0, epoch=2000))
    assert not viewer.closed
    assert frames_of(await drain(viewer))


async def test_replayed_gop_does_not_use_up_the_window(hub):
    room = hub.room("demo")
    for number in range(GOP):
        room.publish(build_frame(number))
    viewer = room.subscribe()
    for number in range(GOP, GOP + 40):
        room.publish(build_frame(number))
    frames = frames_of(await drain(viewer))
    assert [frame.seq for frame in frames] == list(range(1, GOP + 41))


async def test_viewer_asking_for_a_key_frame_is_heard_once_a_second(time):
    asked = []

    async def ask(room):
        asked.append((room, time.now))

    hub = MediaHub(HubHooks(on_keyframe_wanted=ask), clock=time.clock, wall=time.wall, sleep=time.sleep)
    for _ in range(25):
        hub.room("demo").want_keyframe()
        await time.advance(0.1)
    assert [room for room, _ in asked] == ["demo"] * 3
    await hub.close()


async def test_two_rooms_never_mix(hub):
    left, right = hub.room("left").subscribe(), hub.room("right").subscribe()
    hub.room("left").publish(build_frame(0))
    assert len(frames_of(await drain(left))) == 1
    assert await drain(right) == []


async def test_leaving_twice_counts_once(hub):
    room = hub.room("demo")
    viewer, _stays = room.subscribe(), room.subscribe()
    room.unsubscribe(viewer)
    room.unsubscribe(viewer)
    assert hub.viewer_count("demo") == 1


async def test_interrupt_is_passed_to_everyone(hub):
    room = hub.room("demo")
    viewers = [room.subscribe(), room.subscribe()]
    room.interrupt(1000, 96000)
    for viewer in viewers:
        assert notes_of(await drain(viewer), "interrupt") == [{"type": "interrupt", "epoch": 1000, "pts": 96000}]


steps = st.lists(
    st.one_of(
        st.just("frame"),
        st.just("key"),
        st.just("read"),
        st.tuples(st.just("ack"), st.integers(0, 400)),
    ),
    max_size=300,
)


@given(steps=steps, replayed=st.integers(0, 60))
async def test_no_sequence_of_reports_breaks_the_bound_or_the_order(steps, replayed):
    viewer = ViewerQueue(lambda: 0.0)
    viewer.replay([Fragment(seq, seq == 1, b"%d" % seq) for seq in range(1, replayed + 1)])
    seq, sent, keys = replayed, [], {1}
    bound = WINDOW_FRAGMENTS + replayed
    for step in steps:
        if step in ("frame", "key"):
            seq += 1
            if step == "key":
                keys.add(seq)
            viewer.offer(Fragment(seq, step == "key", b"%d" % seq))
        elif step == "read":
            if viewer.waiting:
                sent.append(int(await viewer.get()))
        else:
            viewer.acknowledge(step[1])
        assert viewer.in_flight <= bound
        assert viewer.waiting <= viewer.in_flight
    while viewer.waiting:
        sent.append(int(await viewer.get()))
    assert sent == sorted(set(sent))
    for before, after in zip([0, *sent], sent, strict=False):
        assert after == before + 1 or after in keys
