"""One turn at a time: operator, then viewers, then idle lines; what is more important interrupts."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from chat import services
from chat.director import ASK_AGAIN_S
from chat.models import Message, Sentence, Turn
from memory.store import RecallScope
from tests.chat.director_kit import ANSWER, on_air
from tests.chat.stage_kit import build_message
from tests.fakes.clock import in_virtual_time

pytestmark = pytest.mark.django_db(transaction=True)
LONG = " ".join(f"Sentence number {number} has quite a few words in it." for number in range(12))


@in_virtual_time
async def test_message_is_answered_and_heard(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        message = await show.call(build_message, show.room)
        await show.run(10)
        turn = await Turn.objects.aget()
        assert (turn.kind, turn.state, turn.heard) == ("viewer", "finished", ANSWER)
        assert (await show.message(message.pk)).state == "answered"
        assert " ".join(show.replies) == ANSWER
        assert [event["state"] for event in show.link.events_of("state")] == ["thinking", "speaking", "idle"]
        assert [event["state"] for event in show.link.events_of("message.state")] == ["answering", "answered"]
        assert turn.model_name == "scripted"
        assert turn.voice_name == "fake"
        order = ["received", "accepted", "picked", "prompt_sent", "first_token", "first_sentence", "voice_sent"]
        assert set(order) <= turn.stamps.keys()
        assert "first_frame" in turn.stamps


@in_virtual_time
async def test_answer_is_remembered_for_the_next_question(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        first = await show.call(build_message, show.room, "Do you like rain?")
        await show.run(10)
        viewer = await sync_to_async(lambda: first.viewer)()
        await show.call(build_message, show.room, "Why?", client_id="c2", viewer=viewer)
        await show.run(10)
        asked = "\n".join(message["content"] for message in show.model.prompts[1])
        assert "Leo: Do you like rain?" in asked
        assert ANSWER in asked
        assert asked.endswith("Leo: Why?")
        recalled = await show.memory.recall(RecallScope(str(show.room.pk), str(viewer.pk)), "", 10, first.created_at)
        assert len([line for line in recalled if line.own]) == 4


@in_virtual_time
async def test_messages_are_answered_one_after_the_other(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        for number in range(3):
            await show.call(build_message, show.room, f"Question {number}?", client_id=str(number))
        await show.run(30)
        assert await show.turns() == [("viewer", "finished")] * 3
        assert [prompt[-1]["content"].split("Leo: ")[-1] for prompt in show.model.prompts] == [
            "Question 0?",
            "Question 1?",
            "Question 2?",
        ]
        assert " ".join(show.replies) == " ".join([ANSWER] * 3)


@in_virtual_time
async def test_operator_interrupts_a_viewers_answer(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = LONG
        message = await show.call(build_message, show.room)
        await show.run(3)
        await show.call(services.say_now, show.room, "Breaking news, everybody.")
        await show.run(1.0)
        assert show.replies[-1] == "Breaking news, everybody."
        await show.run(5)
        assert await show.turns() == [("viewer", "interrupted"), ("operator", "finished")]
        answered = await show.message(message.pk)
        assert (answered.state, answered.reason) == ("answered", "interrupted")
        turn = await Turn.objects.aget(kind="viewer")
        assert LONG.startswith(turn.heard[:20])
        assert 0 < len(turn.heard) < len(LONG) / 2
        left = [row.state async for row in Sentence.objects.filter(turn=turn)]
        assert set(left) <= {"heard", "cut", "dropped"}


@in_virtual_time
async def test_viewer_interrupts_an_idle_line_and_not_another_viewer(monkeypatch) -> None:
    async with on_air(monkeypatch, idle_lines=[LONG], idle_after_s=10) as show:
        show.watch(1)
        await show.run(13)
        assert await show.turns() == [("idle", "running")]
        await show.call(build_message, show.room, client_id="a")
        await show.run(1)
        await show.call(build_message, show.room, client_id="b")
        await show.run(9)
        assert await show.turns() == [("idle", "interrupted"), ("viewer", "finished"), ("viewer", "finished")]


@in_virtual_time
async def test_generation_from_the_console_stops_what_is_said(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = LONG
        await show.call(build_message, show.room)
        await show.run(3)
        generation = await show.call(services.interrupt, show.room)
        await show.run(0.3)
        assert await show.turns() == [("viewer", "interrupted")]
        silent = len([frame for frame in show.link.render.rooms.encoders[0].frames if frame.speaking])
        await show.run(3)
        assert silent == len([frame for frame in show.link.render.rooms.encoders[0].frames if frame.speaking])
        assert show.link.render.performer("room").generation == generation
        await show.call(build_message, show.room, client_id="next")
        before = len(show.replies)
        await show.run(20)
        assert (await show.turns())[1] == ("viewer", "finished")
        assert len(show.replies) > before, "speech of the new generation is heard"


@in_virtual_time
async def test_message_stopped_by_the_operator_before_a_word_was_heard_is_not_tried_again(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.word_s = 2.0
        message = await show.call(build_message, show.room)
        await show.run(1)
        await show.call(services.interrupt, show.room)
        await show.run(5)
        stopped = await show.message(message.pk)
        assert (stopped.state, stopped.reason) == ("shed", "interrupted")
        assert len(show.model.prompts) == 1


@in_virtual_time
async def test_message_of_which_nothing_was_heard_waits_again_three_times_at_most(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.fails = True
        message = await show.call(build_message, show.room)
        await show.run(60)
        failed = await show.message(message.pk)
        assert (failed.state, failed.reason, failed.attempts) == ("failed", "no_answer", 3)
        assert len(show.model.prompts) == 3
        states = [event["state"] for event in show.link.events_of("message.state")]
        assert states == ["answering", "waiting", "answering", "waiting", "answering", "failed"]


@in_virtual_time
async def test_answer_put_off_by_the_operator_is_given_afterwards(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.word_s = 0.5
        message = await show.call(build_message, show.room)
        await show.run(0.2)
        await show.call(services.say_now, show.room, "One moment please, dear friends.")
        await show.run(30)
        assert await show.turns() == [("viewer", "interrupted"), ("operator", "finished"), ("viewer", "finished")]
        assert (await show.message(message.pk)).state == "answered"


@in_virtual_time
async def test_failed_turn_leaves_the_room_on_air(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:

        async def break_down(*_):
            raise RuntimeError("a defect")

        monkeypatch.setattr(show.memory, "recall", break_down)
        message = await show.call(build_message, show.room)
        await show.run(10)
        assert set(await show.turns()) == {("viewer", "failed")}
        assert (await show.message(message.pk)).state == "failed"
        assert not show.task.done()


@in_virtual_time
async def test_greeting_is_said_once_when_the_first_viewer_comes(monkeypatch) -> None:
    async with on_air(monkeypatch, greeting="Hello and welcome to the show.") as show:
        await show.run(5)
        assert show.replies == []
        show.watch(1)
        await show.run(5)
        show.watch(2)
        await show.run(5)
        show.watch(0)
        await show.run(5)
        show.watch(1)
        await show.run(5)
        assert show.replies == ["Hello and welcome to the show."]


@in_virtual_time
async def test_idle_lines_come_in_turn_after_each_silence_and_only_with_viewers(monkeypatch) -> None:
    async with on_air(monkeypatch, idle_lines=["The first line.", "The second line."], idle_after_s=20) as show:
        await show.run(100)
        assert show.replies == []
        show.watch(1)
        await show.run(18)
        assert show.replies == []
        await show.run(5)
        assert show.replies == ["The first line."]
        await show.run(50)
        assert show.replies == ["The first line.", "The second line.", "The first line."]
        show.watch(0)
        await show.run(100)
        assert len(show.replies) == 3


@in_virtual_time
async def test_off_air_ends_the_turn_and_closes_the_room(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = LONG
        await show.call(build_message, show.room)
        await show.run(3)
        await show.call(services.stop_room, show.room)
        await asyncio.wait_for(show.task, 3)
        assert await show.turns() == [("viewer", "interrupted")]
        assert show.link.events_of("state")[-1]["state"] == "off_air"
        assert show.link.of_type("room.close")
        assert "room" not in show.link.render.rooms.performers


@in_virtual_time
async def test_nothing_is_answered_while_nobody_shows_the_room(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        await show.link.kill_render()
        assert show.link.events_of("state")[-1]["state"] == "starting"
        message = await show.call(build_message, show.room)
        await show.run(60)
        assert (await show.message(message.pk)).state == "waiting"
        await show.link.start_render()
        await show.run(10)
        assert (await show.message(message.pk)).state == "answered"


@in_virtual_time
async def test_room_that_render_cannot_show_is_asked_for_again(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.link.render.rooms.encoders[0].fail_at = 100
        await show.run(10)
        assert show.presenter.ready.is_set(), f"asked again {ASK_AGAIN_S} s after the performer stopped"
        message = await show.call(build_message, show.room)
        await show.run(10)
        assert (await show.message(message.pk)).state == "answered"


@pytest.mark.parametrize("dies_at_s", [0.02, 0.3, 1.0, 2.0, 3.5])
@in_virtual_time
async def test_stage_killed_at_any_moment_says_nothing_twice_and_answers(monkeypatch, dies_at_s: float) -> None:
    async with on_air(monkeypatch) as show:
        message = await show.call(build_message, show.room)
        await show.run(dies_at_s)
        await show.die()
        await show.run(1)
        await show.start()
        await show.run(20)
        answered = await show.message(message.pk)
        assert answered.state == "answered"
        whole = [row.text async for row in Sentence.objects.filter(state="heard")]
        assert len(whole) == len(set(whole))
        assert ANSWER.startswith(whole[0])
        turn = await Turn.objects.order_by("-id").afirst()
        rows = [row.heard async for row in turn.sentences.all()]
        assert turn.heard == " ".join(heard for heard in rows if heard)
        assert await Turn.objects.filter(state="running").acount() == 0


@in_virtual_time
async def test_operators_line_survives_a_stage_that_died_before_the_first_word(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        await show.die()
        await Turn.objects.acreate(room=show.room, kind="operator", state="running", text="Please stay seated, all.")
        await show.start()
        await show.run(5)
        assert show.replies == ["Please stay seated, all."]
        assert await show.turns() == [("operator", "finished")]


@in_virtual_time
async def test_waiting_messages_survive_a_dead_stage(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        await show.die()
        message = await sync_to_async(build_message)(show.room)
        assert message.state == Message.State.WAITING
        await show.start()
        await show.run(10)
        assert (await show.message(message.pk)).state == "answered"


@in_virtual_time
async def test_delivered_and_displayed_are_stamped_for_the_turn_that_was_seen(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        await show.call(build_message, show.room)
        await show.run(0.3)
        seen = {"room": "room", "epoch": show.presenter.epoch, "generation": 0}
        pts = show.link.render.performer("room").pts
        show.presenter.take({"type": "displayed", "pts": 0, "wall_ms": 1000.0, **seen})
        show.presenter.take({"type": "delivered", "pts": pts + 48_000, "wall_ms": 2000.0, **seen})
        show.presenter.take({"type": "displayed", "pts": pts + 48_000, "wall_ms": 3000.0, **seen})
        await show.run(10)
        turn = await Turn.objects.aget()
        assert turn.stamps["delivered"] == 2.0
        assert turn.stamps["displayed"] == 3.0


@in_virtual_time
async def test_two_rooms_never_mix(monkeypatch) -> None:
    async with on_air(monkeypatch) as one, on_air(monkeypatch, slug="other") as other:
        other.model.answer = "This is the other room speaking now."
        await one.call(build_message, one.room)
        await other.call(build_message, other.room, client_id="o")
        await one.run(10)
        assert " ".join(one.replies) == ANSWER
        assert other.replies == ["This is the other room speaking now."]
        rooms = {turn.room_id: turn.heard async for turn in Turn.objects.all()}
        assert rooms == {one.room.pk: ANSWER, other.room.pk: "This is the other room speaking now."}


@in_virtual_time
async def test_room_that_is_deleted_on_air_is_closed(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = LONG
        await show.call(build_message, show.room)
        await show.run(3)
        await sync_to_async(show.room.delete)()
        await show.run(5)
        assert show.link.events_of("state")[-1]["state"] == "off_air"
        assert show.link.texts[-1] == {"type": "room.close", "room": show.room.slug}


@in_virtual_time
async def test_room_that_went_off_air_while_nobody_directed_it_is_closed(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = LONG
        message = await show.call(build_message, show.room)
        await show.run(3)
        await show.die()
        await sync_to_async(services.stop_room)(show.room)
        await show.start()
        await show.run(10)
        assert show.link.of_type("room.close") == [{"type": "room.close", "room": show.room.slug}]
        assert await show.turns() == [("viewer", "interrupted")]
        assert (await show.message(message.pk)).state == "answered"
