"""The clip that holds the picture while render is away."""

from dataclasses import replace

import pytest

from avatar_engine.idle_clip import MOST_FRAMES, PAUSE_S, SETTLE_S, send_idle_clip
from avatar_engine.timing import SAMPLES_PER_FRAME
from tests.fakes.clock import in_virtual_time, virtual_loop
from tests.fakes.render import RESTING, SPEC, FakeEncoder, FakeEngine, build_capabilities


async def record(loop_frames: int):
    engine, encoder, sent = FakeEngine(build_capabilities()), FakeEncoder(), []
    opened = engine.open

    def open_loop(*args):
        session = opened(*args)
        session.loop_frames = loop_frames
        return session

    engine.open = open_loop
    started = virtual_loop().time()
    await send_idle_clip(engine, replace(SPEC, seed=4), encoder, lambda *args: sent.append(args))
    return encoder, sent, virtual_loop().time() - started


@in_virtual_time
async def test_clip_is_one_silent_loop_in_order() -> None:
    encoder, sent, _ = await record(40)
    assert [(index, count) for index, count, _ in sent] == [(index, 40) for index in range(40)]
    assert [envelope.pts for *_, envelope in sent] == [index * SAMPLES_PER_FRAME for index in range(40)]
    assert all(envelope.idle and envelope.epoch == 0 and not envelope.speaking for *_, envelope in sent)
    assert all(frame.is_silent for frame in encoder.frames)
    assert [frame.level for frame in encoder.frames] == [RESTING + index for index in range(40)]


@in_virtual_time
async def test_long_loop_is_cut() -> None:
    _, sent, _ = await record(MOST_FRAMES * 3)
    assert len(sent) == MOST_FRAMES


@in_virtual_time
async def test_clip_is_drawn_frame_by_frame_and_leaves_time_for_the_live_picture() -> None:
    _, _, took_s = await record(50)
    assert took_s == pytest.approx(SETTLE_S + 2 * 50 * PAUSE_S, rel=0.05)  # drawn, then sent
    assert PAUSE_S >= 0.01
