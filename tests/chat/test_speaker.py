"""The rows of a turn tell what was heard, whatever happens to render, to the voice and to stage itself."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from avatar_engine.timing import SAMPLES_PER_FRAME
from chat import speaker as speaker_module
from chat.models import Sentence
from tests.chat.stage_kit import THREE, SlowVoice, build_talk
from tests.fakes.clock import in_virtual_time, virtual_loop

pytestmark = pytest.mark.django_db(transaction=True)

HEARD_ALL = [("heard", text) for text in THREE]


@asynccontextmanager
async def talking(voice: SlowVoice | None = None, texts: tuple[str, ...] = THREE, **kwargs):
    """A turn of three sentences of 520 ms, being spoken."""
    talk = await build_talk(voice, **kwargs)
    await talk.link.start_render()
    try:
        await talk.start(texts)
        yield talk
    finally:
        await talk.close()


@in_virtual_time
async def test_every_sentence_is_heard_in_order_and_told_to_the_pages() -> None:
    async with talking() as talk:
        await talk.wait()
        assert await talk.rows() == HEARD_ALL
        assert talk.speaker.heard == list(THREE)
        assert [event["text"] for event in talk.link.events_of("reply")] == list(THREE)
        assert [event["text"] for event in talk.link.events_of("caption")] == list(THREE)
        assert [event["state"] for event in talk.link.events_of("state")] == ["speaking"]
        rows = [row async for row in talk.turn.sentences.all()]
        assert [row.duration_ms for row in rows] == [500, 500, 500]
        starts = [row.start_pts for row in rows]
        assert starts == [starts[0] + number * 13 * SAMPLES_PER_FRAME for number in range(3)]
        assert talk.speaker.first_pts == starts[0]
        assert talk.speaker.end_pts == starts[2] + 13 * SAMPLES_PER_FRAME
        assert {row.epoch for row in rows} == {talk.presenter.epoch}


@in_virtual_time
async def test_reports_are_acknowledged_once_they_are_in_the_rows() -> None:
    async with talking() as talk:
        await talk.wait()
        await asyncio.sleep(0.1)
        assert [message["n"] for message in talk.link.of_type("report.ack")] == [1, 2, 3, 4, 5, 6]
        assert talk.link.render.performer("room").reports.unacknowledged == []


@in_virtual_time
async def test_row_is_on_air_before_its_first_sample_is_sent() -> None:
    seen: list[tuple[bool, str]] = []
    talk = await build_talk(SlowVoice(first_s=0.3))

    async def speak(text):
        row = await talk.turn.sentences.aget(text=text)
        seen.append((not any(speech.sentence == row.pk for speech in talk.link.speech()), row.state))
        async for chunk in talk.voice.voice.speak(text):
            yield chunk

    talk.voice.speak = speak
    await talk.link.start_render()
    try:
        await talk.start()
        await talk.wait()
    finally:
        await talk.close()
    assert seen == [(True, "on_air")] * 3


@in_virtual_time
async def test_caption_waits_until_the_times_of_all_words_are_known() -> None:
    async with talking(SlowVoice(chunk_s=0.02), THREE[:1]) as talk:
        await asyncio.sleep(0.3)
        assert len(talk.link.events_of("reply")) == 1
        assert not talk.link.events_of("caption")
        await talk.wait()
        (caption,) = talk.link.events_of("caption")
        assert [word[0] for word in caption["words"]] == THREE[0].split()
        assert caption["duration_ms"] == 500
        assert caption["pts"] == talk.speaker.first_pts


@in_virtual_time
async def test_render_lost_before_anything_started_is_said_once_by_the_next_one() -> None:
    async with talking(SlowVoice(first_s=0.05, chunk_s=0.03)) as talk:
        await asyncio.sleep(0.08)
        assert await talk.states() == ["on_air", "written", "written"]
        first_epoch = talk.presenter.epoch
        await talk.link.kill_render()
        await asyncio.sleep(3)
        await talk.link.start_render()
        await talk.wait()
        assert await talk.rows() == HEARD_ALL
        assert talk.presenter.epoch > first_epoch
        assert [event["text"] for event in talk.link.events_of("reply")] == list(THREE)


@in_virtual_time
async def test_render_replaced_while_the_row_is_saved_is_said_once(monkeypatch) -> None:
    save, talks = Sentence.asave, []

    async def save_slowly(row, **kwargs):
        await save(row, **kwargs)
        if "epoch" in kwargs.get("update_fields", ()):
            monkeypatch.setattr(Sentence, "asave", save)
            await talks[0].link.kill_render()
            await talks[0].link.start_render()

    monkeypatch.setattr(Sentence, "asave", save_slowly)
    talks.append(await build_talk())
    talk = talks[0]
    await talk.link.start_render()
    try:
        await talk.start(THREE[:2])
        await talk.wait()
        assert await talk.rows() == HEARD_ALL[:2]
        assert await talk.begun() == [1, 1]
    finally:
        await talk.close()


@in_virtual_time
async def test_render_lost_while_the_voice_is_thinking_is_said_once() -> None:
    async with talking(SlowVoice(first_s=2.0)) as talk:
        await asyncio.sleep(0.5)
        await talk.link.kill_render()
        await talk.link.start_render()
        await talk.wait()
        assert await talk.rows() == HEARD_ALL
        assert [event["text"] for event in talk.link.events_of("reply")] == list(THREE)
        assert await talk.begun() == [1, 1, 1]


@in_virtual_time
async def test_render_lost_after_start_cuts_with_the_words_heard_and_goes_on_with_the_next() -> None:
    async with talking() as talk:
        await asyncio.sleep(0.4)
        assert await talk.states() == ["on_air"] * 3
        await talk.link.kill_render()
        await asyncio.sleep(2)
        await talk.link.start_render()
        await talk.wait()
        rows = await talk.rows()
        assert rows[1:] == HEARD_ALL[1:]
        state, heard = rows[0]
        assert state == "cut"
        assert heard in ("One two", "One two three")
        assert [event["text"] for event in talk.link.events_of("reply")] == list(THREE)


@in_virtual_time
async def test_sentences_are_said_in_order_when_render_dies_with_several_on_their_way() -> None:
    texts = tuple(f"Sentence {number} has five words." for number in range(30))
    async with talking(texts=texts) as talk:
        await asyncio.sleep(1.0)
        assert "written" in await talk.states(), "the credit of 10 s holds the rest back"
        await talk.link.kill_render()
        await asyncio.sleep(2)
        await talk.link.start_render()
        await talk.wait(60)
        replies = [event["text"] for event in talk.link.events_of("reply")]
        assert replies == list(texts)
        states = await talk.states()
        assert states.count("cut") == 1
        assert states.count("heard") == 29


@in_virtual_time
async def test_sentences_that_render_still_holds_after_the_link_was_away_are_not_sent_again() -> None:
    async with talking() as talk:
        await asyncio.sleep(0.3)
        epoch = talk.presenter.epoch
        await talk.link.cut()
        await asyncio.sleep(0.1)
        await talk.link.restore(talk.generation)
        await talk.wait()
        assert talk.presenter.epoch == epoch
        assert await talk.rows() == HEARD_ALL
        assert await talk.begun() == [1, 1, 1]
        assert len(talk.link.events_of("reply")) == 3


@in_virtual_time
async def test_sentences_wait_while_the_link_is_away_and_go_on_when_it_is_back() -> None:
    async with talking() as talk:
        await asyncio.sleep(0.3)
        await talk.link.cut()
        frames = len(talk.link.render.rooms.encoders[0].frames)
        await asyncio.sleep(5)
        away = talk.link.render.rooms.encoders[0].frames[frames + 1 :]
        assert len(away) > 100
        assert not any(frame.speaking for frame in away)
        await talk.link.restore(talk.generation)
        await talk.wait(5)
        assert await talk.rows() == HEARD_ALL
        assert await talk.begun() == [1, 1, 1]


@in_virtual_time
async def test_link_that_is_away_while_the_voice_is_thinking_leads_to_no_repetition() -> None:
    async with talking(SlowVoice(first_s=1.0), THREE[:2]) as talk:
        await asyncio.sleep(0.5)
        await talk.link.cut()
        await asyncio.sleep(0.1)
        await talk.link.restore(talk.generation)
        await talk.wait()
        assert await talk.rows() == HEARD_ALL[:2]
        assert await talk.begun() == [1, 1]
        performed = [frame for frame in talk.link.render.rooms.encoders[0].frames if frame.speaking]
        assert len(performed) == 2 * 13


@in_virtual_time
async def test_sentence_that_was_being_sent_when_the_link_went_away_is_cut_where_its_sound_ends() -> None:
    async with talking(SlowVoice(chunk_s=0.02), THREE[:2]) as talk:
        await asyncio.sleep(0.25)
        await talk.link.cut()
        await asyncio.sleep(0.05)
        await talk.link.restore(talk.generation)
        await talk.wait()
        (state, heard), second = await talk.rows()
        assert state == "cut"
        assert THREE[0].startswith(heard)
        assert heard != THREE[0]
        assert second == ("heard", THREE[1])


@in_virtual_time
async def test_words_of_a_turn_wait_for_render_for_thirty_seconds() -> None:
    async with talking(SlowVoice(first_s=0.1)) as talk:
        await talk.link.kill_render()
        before = virtual_loop().time()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(talk.task), 100)
        assert virtual_loop().time() - before == pytest.approx(speaker_module.RENDER_WAIT_S, abs=1)
        await talk.speaker.cut()
        assert set(await talk.states()) <= {"cut", "dropped"}


@pytest.mark.parametrize("dead_for_s", [0.0, 0.2, 5.0])
@in_virtual_time
async def test_stage_that_comes_back_says_nothing_twice(dead_for_s: float) -> None:
    async with talking() as talk:
        await asyncio.sleep(0.7)
        await talk.die()
        await asyncio.sleep(dead_for_s)
        await talk.take_over()
        await talk.wait()
        assert await talk.rows() == HEARD_ALL
        assert await talk.begun() == [1, 1, 1]


@in_virtual_time
async def test_new_stage_says_what_was_written_but_not_sent() -> None:
    async with talking(SlowVoice(first_s=0.3)) as talk:
        await asyncio.sleep(0.6)
        await talk.take_over()
        await talk.wait()
        rows = await talk.rows()
        assert rows[0] == HEARD_ALL[0]
        assert rows[2] == HEARD_ALL[2]
        performed = [frame for frame in talk.link.render.rooms.encoders[0].frames if frame.speaking]
        assert len(performed) <= 3 * 13


@in_virtual_time
async def test_stage_that_died_while_sending_does_not_claim_that_all_was_heard() -> None:
    async with talking(SlowVoice(chunk_s=0.02), THREE[:1]) as talk:
        await asyncio.sleep(0.3)
        await talk.take_over()
        await talk.wait()
        ((state, heard),) = await talk.rows()
        assert state == "cut"
        assert heard != THREE[0]


@in_virtual_time
async def test_what_started_in_a_render_that_is_gone_is_never_said_again_by_a_new_stage() -> None:
    async with talking() as talk:
        await asyncio.sleep(0.3)
        await talk.die()
        await talk.link.kill_render()
        await talk.link.start_render()
        await talk.take_over()
        await talk.wait()
        assert await talk.states() == ["cut", "cut", "cut"]
        assert await talk.begun() == [1, 1, 1]


@in_virtual_time
async def test_sentence_that_render_of_the_same_run_never_got_is_said_by_the_new_stage() -> None:
    async with talking(SlowVoice(first_s=1.0), THREE[:1]) as talk:
        await asyncio.sleep(0.5)
        await talk.take_over()
        await talk.wait()
        assert await talk.rows() == HEARD_ALL[:1]


@in_virtual_time
async def test_voice_that_fails_before_the_first_sound_cuts_the_sentence() -> None:
    voice = SlowVoice()
    voice.fail(0)
    async with talking(voice) as talk:
        await talk.wait()
        assert await talk.rows() == [("cut", "")] * 3
        assert talk.speaker.heard == []


@in_virtual_time
async def test_voice_that_fails_in_the_middle_does_not_stop_the_sentences_after_it() -> None:
    voice = SlowVoice()
    voice.fail(15)
    async with talking(voice) as talk:
        await asyncio.sleep(0.01)
        voice.voice.fail_after = None
        await talk.wait()
        rows = await talk.rows()
        failed = [row for row in rows if row[0] == "cut"]
        assert failed
        for (state, heard), text in zip(rows, THREE, strict=True):
            assert state == "heard" or (text.startswith(heard) and heard != text)


@in_virtual_time
async def test_sentence_without_sound_is_dropped() -> None:
    async with talking(texts=(THREE[0], "", THREE[1])) as talk:
        await talk.wait()
        assert await talk.rows() == [HEARD_ALL[0], ("dropped", ""), HEARD_ALL[1]]


@in_virtual_time
async def test_interrupt_gives_every_sentence_its_end_with_the_words_heard() -> None:
    async with talking() as talk:
        await asyncio.sleep(0.85)
        await talk.interrupt()
        rows = await talk.rows()
        assert rows[0] == HEARD_ALL[0]
        assert rows[1][0] == "cut"
        assert rows[1][1] in ("Six seven", "Six seven eight")
        assert rows[2] == ("cut", "")
        assert talk.speaker.heard == [rows[0][1], rows[1][1]]
        told = talk.link.events_of("interrupted")
        assert [event["heard"] for event in told] == [rows[1][1], ""]
        await asyncio.sleep(0.1)
        silent = next(frame.pts for frame in talk.link.render.rooms.encoders[0].frames if frame.generation == 1)
        assert {event["pts"] for event in told} == {silent}


@in_virtual_time
async def test_interrupt_is_over_at_once_though_a_sentence_never_reached_render() -> None:
    async with talking(SlowVoice(first_s=1.0)) as talk:
        await asyncio.sleep(0.5)
        before = virtual_loop().time()
        await talk.interrupt()
        assert virtual_loop().time() - before < 0.2
        assert await talk.states() == ["cut", "dropped", "dropped"]


@in_virtual_time
async def test_interrupt_waits_two_seconds_at_most_for_render() -> None:
    async with talking() as talk:
        await asyncio.sleep(0.3)
        talk.link.deaf_to = {"report", "interrupted"}
        before = virtual_loop().time()
        await talk.interrupt()
        assert virtual_loop().time() - before == pytest.approx(speaker_module.LAST_WORD_S, abs=0.1)
        assert await talk.states() == ["cut", "cut", "cut"]


@in_virtual_time
async def test_reports_that_come_twice_change_nothing() -> None:
    async with talking() as talk:
        take = talk.presenter.on_report
        talk.presenter.on_report = lambda report: (take(report), take(dict(report)))
        await talk.wait()
        assert await talk.rows() == HEARD_ALL
        assert talk.speaker.heard == list(THREE)
        assert len(talk.link.events_of("reply")) == 3
        assert len(talk.link.events_of("caption")) == 3
