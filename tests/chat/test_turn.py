"""One turn: what the model writes is cut, checked, spoken, and written down."""

import asyncio

import pytest

from chat.llm.base import ChatModelError
from chat.llm.chain import ModelChain
from chat.models import Sentence, Turn
from tests.chat.director_kit import ANSWER, ScriptedModel, on_air
from tests.chat.stage_kit import build_message
from tests.fakes.clock import in_virtual_time, virtual_loop

pytestmark = pytest.mark.django_db(transaction=True)


async def sentences() -> list[tuple[int, str, str]]:
    return [(row.index, row.text, row.state) async for row in Sentence.objects.order_by("index")]


@in_virtual_time
async def test_each_sentence_is_a_row_that_was_heard(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = "It costs 3.50 euros today. That is a fair price for it."
        await show.call(build_message, show.room)
        await show.run(10)
        assert await sentences() == [
            (0, "It costs 3.50 euros today.", "heard"),
            (1, "That is a fair price for it.", "heard"),
        ]
        turn = await Turn.objects.aget()
        assert turn.text == turn.heard == show.model.answer


@in_virtual_time
async def test_first_sentence_is_spoken_while_the_model_still_writes(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = "This is the first sentence. " + " ".join(["and"] * 40) + "."
        show.model.word_s = 0.1
        await show.call(build_message, show.room)
        await show.run(1.5)
        assert show.replies == ["This is the first sentence."]
        turn = await Turn.objects.aget()
        assert turn.text == "This is the first sentence."


@in_virtual_time
async def test_sentence_that_may_not_be_said_is_replaced_and_recorded(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = "As an AI language model, I cannot taste tea. But I like the smell of it."
        await show.call(build_message, show.room)
        await show.run(10)
        assert "language model" not in " ".join(show.replies)
        assert "But I like the smell of it." in show.replies
        turn = await Turn.objects.aget()
        (replaced,) = [entry for entry in turn.happened if entry["what"] == "replaced"]
        assert replaced["reason"] == "assistant_talk"


@in_virtual_time
async def test_operators_words_are_said_as_they_are(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        line = "As an AI language model, Mira greets you. Welcome to the show."
        await Turn.objects.acreate(room=show.room, kind="operator", text=line)
        show.director.nudge()
        await show.run(10)
        assert " ".join(show.replies) == line
        turn = await Turn.objects.aget()
        assert (turn.text, turn.heard) == (line, line)
        assert show.model.prompts == []


@in_virtual_time
async def test_model_that_stops_in_the_middle_leaves_its_whole_sentences(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:

        async def stream(messages):
            yield "This much I can say now. And then"
            raise ChatModelError("gone", retryable=True)

        monkeypatch.setattr(show.model, "stream", stream)
        message = await show.call(build_message, show.room)
        await show.run(10)
        assert show.replies == ["This much I can say now."]
        turn = await Turn.objects.aget()
        (attempt,) = [entry for entry in turn.happened if entry["what"] == "model"]
        assert (attempt["outcome"], attempt["reason"]) == ("failed", "gone")
        assert (await show.message(message.pk)).state == "answered"


@in_virtual_time
async def test_model_that_stops_before_a_sentence_is_whole_leaves_the_answer_to_the_next(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:

        async def stream(messages):
            yield "The sea"
            raise ChatModelError("gone", retryable=True)

        second = ScriptedModel()
        second.name = "second"
        monkeypatch.setattr(show.model, "stream", stream)
        links = ModelChain([show.model, second], virtual_loop().time)._links
        monkeypatch.setattr(show.tools.models, "_links", links)
        await show.call(build_message, show.room)
        await show.run(10)
        assert " ".join(show.replies) == ANSWER
        turn = await Turn.objects.aget()
        attempts = [entry["outcome"] for entry in turn.happened if entry["what"] == "model"]
        assert attempts == ["failed", "rested", "answered"]
        assert turn.model_name == "second", "whoever answered, not whoever was asked first"


@in_virtual_time
async def test_interrupt_cancels_the_request_to_the_model(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        closed = []

        async def stream(messages):
            try:
                yield "This is the first sentence. And this"
                await asyncio.sleep(3600)
            finally:
                closed.append(True)

        monkeypatch.setattr(show.model, "stream", stream)
        await show.call(build_message, show.room)
        await show.run(2)
        await Turn.objects.acreate(room=show.room, kind="operator", text="Now listen to me, everyone.")
        show.director.nudge()
        await show.run(5)
        assert closed == [True]
        turn = await Turn.objects.aget(kind="viewer")
        assert (turn.state, turn.heard) == ("interrupted", "This is the first sentence.")
        (attempt,) = [entry for entry in turn.happened if entry["what"] == "model"]
        assert attempt["outcome"] == "cancelled"


@in_virtual_time
async def test_answer_without_anything_to_say_ends_the_turn(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.model.answer = "😀 ..."
        message = await show.call(build_message, show.room)
        await show.run(20)
        assert await sentences() == []
        assert (await show.message(message.pk)).state == "failed"


@in_virtual_time
async def test_sentence_of_which_the_voice_says_nothing_does_not_hold_the_turn(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        show.voice.fail_after = 0
        message = await show.call(build_message, show.room)
        await show.run(30)
        assert {state for _, _, state in await sentences()} == {"cut"}
        assert (await show.message(message.pk)).state == "failed"
        assert await Turn.objects.filter(state="running").acount() == 0


@in_virtual_time
async def test_prompt_and_stamps_are_kept_in_order(monkeypatch) -> None:
    async with on_air(monkeypatch) as show:
        await show.call(build_message, show.room, "Who are you?")
        await show.run(10)
        turn = await Turn.objects.aget()
        assert turn.prompt == show.model.prompts[0]
        order = ["received", "accepted", "picked", "prompt_sent", "first_token", "first_sentence", "voice_sent"]
        times = [turn.stamps[name] for name in order]
        assert times == sorted(times)
        assert turn.ended_at is not None
