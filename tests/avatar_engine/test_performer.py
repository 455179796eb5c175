"""The performer owns the clock: frame n has pts n * 1920, whatever speech does."""

import asyncio

import numpy as np
import pytest

from avatar_engine.performer import FADE_MS
from avatar_engine.timing import FPS, SAMPLES_PER_FRAME, ms_to_samples
from tests.avatar_engine.performer_kit import FRAME_S, on_air
from tests.fakes.clock import in_virtual_time, virtual_loop
from tests.fakes.render import RESTING, SPEAKING


def check_no_gaps(frames) -> None:
    assert [frame.pts for frame in frames] == [number * SAMPLES_PER_FRAME for number in range(len(frames))]
    assert all(frame.pcm.shape == (SAMPLES_PER_FRAME,) for frame in frames)


@in_virtual_time
async def test_idle_room_sends_25_silent_frames_a_second_without_gaps() -> None:
    async with on_air() as stage:
        started, already = virtual_loop().time(), len(stage.frames)
        await stage.run(250)
        assert virtual_loop().time() - started == pytest.approx(10)
        assert len(stage.frames) - already == 250
        check_no_gaps(stage.frames)
        assert all(frame.is_silent and not frame.speaking and frame.level < SPEAKING for frame in stage.frames)


@in_virtual_time
async def test_sentence_is_performed_sample_for_sample_and_reported() -> None:
    async with on_air() as stage:
        said = stage.say(7, 0, 20, last=True)
        await stage.run(30)
        assert np.array_equal(stage.sound(), said)
        assert [frame.speaking for frame in stage.frames[10:30]] == [True] * 20
        assert all(frame.level >= SPEAKING for frame in stage.frames[10:30])
        assert stage.reports == [("started", 7), ("ended", 7)]
        assert stage.report("started")["pts"] == 10 * SAMPLES_PER_FRAME
        assert stage.report("ended")["pts"] == 30 * SAMPLES_PER_FRAME
        assert stage.report("ended")["heard_ms"] == 800
        check_no_gaps(stage.frames)


@in_virtual_time
async def test_two_sentences_follow_each_other_without_a_frame_of_silence() -> None:
    async with on_air() as stage:
        said = [stage.say(1, 0, 5, last=True), stage.say(2, 0, 5, last=True)]
        await stage.run(20)
        assert np.array_equal(stage.sound(), np.concatenate(said))
        assert stage.reports == [("started", 1), ("ended", 1), ("started", 2), ("ended", 2)]


@in_virtual_time
async def test_underrun_rests_and_goes_on() -> None:
    async with on_air() as stage:
        stage.say(1, 0, 3)
        await stage.run(8)
        stage.say(1, 1, 3, last=True)
        await stage.run(8)
        assert [frame.speaking for frame in stage.frames[10:21]] == [True] * 3 + [False] * 5 + [True] * 3
        assert all(frame.is_silent for frame in stage.frames[13:18])
        assert stage.performer.underruns == 5
        assert stage.reports == [("started", 1), ("ended", 1)]
        assert stage.report("ended")["heard_ms"] == 240
        check_no_gaps(stage.frames)


@in_virtual_time
async def test_end_that_comes_after_the_last_sound_is_reported_once() -> None:
    async with on_air() as stage:
        stage.say(1, 0, 3)
        await stage.run(6)
        stage.say(1, 1, 0, last=True)
        await stage.run(3)
        assert stage.reports == [("started", 1), ("ended", 1)]
        assert stage.report("ended")["heard_ms"] == 120


@in_virtual_time
async def test_sound_that_arrives_while_the_last_frame_is_drawn_does_not_end_the_sentence_twice() -> None:
    async with on_air() as stage:
        stage.say(1, 0, 1, last=True)
        draw = stage.engine.sessions[0].render
        loop = asyncio.get_running_loop()

        def draw_while_sound_comes(speech, poses):
            if speech.speaking.any() and not stage.of_type("report"):
                loop.call_soon_threadsafe(lambda: stage.say(2, 0, 3, last=True))
                done = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop)
                done.result(5)
            return draw(speech, poses)

        stage.engine.sessions[0].render = draw_while_sound_comes
        await stage.run(10)
        assert stage.reports == [("started", 1), ("ended", 1), ("started", 2), ("ended", 2)]


@in_virtual_time
async def test_interrupt_is_silent_from_the_pts_that_it_names() -> None:
    async with on_air() as stage:
        said = stage.say(1, 0, 50, last=True)
        stage.say(2, 0, 50, last=True)
        await stage.run(12)
        stage.performer.interrupt(2)
        await stage.run(10)
        (interrupted,) = stage.of_type("interrupted")
        assert interrupted["pts"] == 22 * SAMPLES_PER_FRAME
        assert (interrupted["generation"], interrupted["epoch"]) == (2, stage.performer.epoch)
        assert stage.reports == [("started", 1), ("cut", 1), ("cut", 2)]
        cut, never_begun = stage.of_type("report")[1:]
        assert (cut["heard_ms"], cut["pts"]) == (12 * 40, interrupted["pts"])
        assert never_begun["heard_ms"] == 0
        heard = 12 * SAMPLES_PER_FRAME
        assert np.array_equal(stage.sound()[:heard], said[:heard])
        assert len(stage.sound()) <= heard + ms_to_samples(FADE_MS)
        check_no_gaps(stage.frames)


@in_virtual_time
async def test_cut_fades_from_the_next_sample_to_nothing_in_10_ms() -> None:
    async with on_air() as stage:
        said = stage.say(1, 0, 50, last=True)
        await stage.run(5)
        stage.performer.interrupt(2)
        await stage.run(3)
        fade = stage.frames[15].pcm
        assert fade[0] == said[5 * SAMPLES_PER_FRAME]
        assert np.all(np.diff(fade.astype(int)[: ms_to_samples(FADE_MS)]) <= 0)
        assert not fade[ms_to_samples(FADE_MS) :].any()
        assert stage.frames[16].is_silent


@in_virtual_time
async def test_interrupt_while_a_frame_is_drawn_counts_that_frame_as_heard() -> None:
    async with on_air() as stage:
        said = stage.say(1, 0, 50, last=True)
        await stage.run(4)
        draw = stage.engine.sessions[0].render
        loop = asyncio.get_running_loop()

        def draw_while_interrupted(speech, poses):
            if stage.performer.generation == 1:
                loop.call_soon_threadsafe(stage.performer.interrupt, 2)
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(5)
            return draw(speech, poses)

        stage.engine.sessions[0].render = draw_while_interrupted
        await stage.run(5)
        assert stage.report("cut")["heard_ms"] == 5 * 40
        assert stage.report("cut")["pts"] == 15 * SAMPLES_PER_FRAME
        heard = 5 * SAMPLES_PER_FRAME
        assert np.array_equal(stage.sound()[:heard], said[:heard])
        assert len(stage.sound()) <= heard + ms_to_samples(FADE_MS)
        assert stage.frames[14].generation == 1
        assert stage.frames[15].generation == 2


@in_virtual_time
async def test_interrupt_of_an_older_or_the_same_generation_does_nothing() -> None:
    async with on_air() as stage:
        said = stage.say(1, 0, 10, last=True)
        await stage.run(3)
        stage.performer.interrupt(1)
        stage.performer.interrupt(0)
        await stage.run(15)
        assert not stage.of_type("interrupted")
        assert np.array_equal(stage.sound(), said)


@in_virtual_time
async def test_speech_of_an_older_generation_is_ignored() -> None:
    async with on_air() as stage:
        stage.performer.interrupt(3)
        stage.say(1, 0, 10, last=True, generation=2)
        await stage.run(15)
        assert not stage.reports
        assert not len(stage.sound())


@in_virtual_time
async def test_speech_of_a_newer_generation_interrupts_by_itself() -> None:
    async with on_air() as stage:
        stage.say(1, 0, 50, last=True)
        await stage.run(5)
        said = stage.say(2, 0, 5, last=True, generation=2)
        await stage.run(10)
        assert stage.performer.generation == 2
        assert stage.reports == [("started", 1), ("cut", 1), ("started", 2), ("ended", 2)]
        assert np.array_equal(stage.sound()[-len(said) :], said)


@in_virtual_time
async def test_late_frames_repeat_the_picture_and_keep_the_sound() -> None:
    async with on_air() as stage:
        said = stage.say(1, 0, 30, last=True)
        await stage.run(3)
        windows, frames = len(stage.engine.sessions[0].windows), len(stage.frames)
        virtual_loop().spend(10 * FRAME_S)
        await stage.run(30)
        assert np.array_equal(stage.sound(), said)
        levels = [frame.level for frame in stage.frames[13:21]]
        assert levels.count(levels[0]) >= 6, "the picture stands while the clock catches up"
        assert len(stage.frames) - frames == 40
        assert len(stage.engine.sessions[0].windows) - windows <= 34, "a picture that stands is not drawn"
        assert stage.performer.slips == 0
        check_no_gaps(stage.frames)


@in_virtual_time
async def test_engine_that_is_too_slow_keeps_the_sound_at_its_pace() -> None:
    async with on_air(cost_s=0.06) as stage:
        stage.say(1, 0, 100, last=True)
        began = len(stage.frames)
        await stage.run(100)
        assert len(stage.frames) - began >= 95
        assert stage.performer.slips == 0
        levels = {frame.level for frame in stage.frames[-50:]}
        assert len(levels) > 10, "the mouth still moves"
        check_no_gaps(stage.frames)


@in_virtual_time
async def test_more_than_two_seconds_late_slips_the_clock_and_loses_no_sample() -> None:
    async with on_air() as stage:
        said = stage.say(1, 0, 10, last=True)
        await stage.run(3)
        virtual_loop().spend(3.0)
        before = len(stage.frames)
        await stage.run(20)
        assert stage.performer.slips == 1
        assert len(stage.frames) - before <= 22, "frames of the lost seconds are not made up for"
        assert np.array_equal(stage.sound(), said)
        check_no_gaps(stage.frames)


@in_virtual_time
async def test_chunked_engine_draws_four_frames_at_once_and_performs_them_one_by_one() -> None:
    async with on_air(chunk_frames=4) as stage:
        said = stage.say(1, 0, 10, last=True)
        await stage.run(15)
        drawn = [int(speech.speaking.sum()) for speech, _ in stage.engine.sessions[0].windows if speech.speaking.any()]
        assert drawn == [4, 4, 2]
        assert np.array_equal(stage.sound(), said)
        assert stage.reports == [("started", 1), ("ended", 1)]
        assert stage.report("ended")["pts"] == 20 * SAMPLES_PER_FRAME
        check_no_gaps(stage.frames)


@in_virtual_time
async def test_chunked_engine_does_not_count_what_was_drawn_ahead_as_heard() -> None:
    async with on_air(chunk_frames=4) as stage:
        said = stage.say(1, 0, 20, last=True)
        await stage.run(6)
        stage.performer.interrupt(2)
        await stage.run(5)
        assert stage.report("cut")["heard_ms"] == 6 * 40
        heard = 6 * SAMPLES_PER_FRAME
        assert np.array_equal(stage.sound()[:heard], said[:heard])
        assert len(stage.sound()) <= heard + ms_to_samples(FADE_MS)
        assert stage.frames[16].pcm[0] == said[heard]


@in_virtual_time
async def test_chunked_engine_ends_a_sentence_when_its_last_frame_was_on_air() -> None:
    async with on_air(chunk_frames=4) as stage:
        stage.say(1, 0, 4, last=True)
        await stage.run(2)
        stage.say(2, 0, 4, last=True)
        assert stage.reports == [("started", 1)]
        await stage.run(8)
        assert stage.reports == [("started", 1), ("ended", 1), ("started", 2), ("ended", 2)]
        assert stage.of_type("report")[1]["pts"] == 14 * SAMPLES_PER_FRAME


@in_virtual_time
async def test_engine_that_is_not_realtime_starts_when_the_sentence_is_whole() -> None:
    async with on_air(realtime=False, chunk_frames=4, lookahead_frames=2) as stage:
        stage.say(1, 0, 10)
        await stage.run(10)
        assert not stage.reports
        stage.say(1, 1, 10, last=True)
        await stage.run(25)
        assert stage.reports == [("started", 1), ("ended", 1)]
        assert stage.report("ended")["heard_ms"] == 800
        assert stage.performer.underruns == 0


@in_virtual_time
async def test_sentence_ends_with_what_has_arrived_when_the_sender_is_gone() -> None:
    async with on_air() as stage:
        stage.say(1, 0, 10)
        stage.say(2, 0, 0)
        await stage.run(4)
        stage.performer.truncate()
        await stage.run(10)
        assert stage.reports == [("started", 1), ("ended", 1), ("ended", 2)]
        ended = stage.of_type("report")[1:]
        assert [report["heard_ms"] for report in ended] == [400, 0]


@in_virtual_time
async def test_playhead_says_what_is_held_four_times_a_second() -> None:
    async with on_air() as stage:
        stage.sent.clear()
        stage.say(4, 0, 40, last=True)
        stage.say(5, 0, 10)
        await stage.run(FPS)
        playheads = stage.of_type("playhead")
        assert len(playheads) == 4
        last = playheads[-1]
        assert last["sentences"] == [4, 5]
        assert last["speaking"]
        assert last["pts"] == stage.performer.pts - stage.performer.pts % (6 * SAMPLES_PER_FRAME)
        assert last["buffered_ms"] == (50 - (last["pts"] // SAMPLES_PER_FRAME - 10)) * 40


@in_virtual_time
async def test_resting_picture_moves_with_the_pose_of_its_frame() -> None:
    async with on_air() as stage:
        await stage.run(20)
        assert [frame.level for frame in stage.frames[:20]] == [RESTING + number for number in range(20)]
