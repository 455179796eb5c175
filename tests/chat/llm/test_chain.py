"""Falling from one language model to the next."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.chain import FIRST_REST_S, LONGEST_REST_S, ChainStream, ModelChain
from chat.llm.persona_lines import PersonaLines
from tests.fakes.chat_model import FakeChatModel

PROMPT: list[PromptMessage] = [{"role": "user", "content": "Ana: hello"}]


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def failing(name: str, *pieces: str, retryable: bool = True) -> FakeChatModel:
    return FakeChatModel(pieces, name=name, error=ChatModelError(f"{name} is down", retryable=retryable))


async def read(stream: ChainStream) -> str:
    return "".join([piece async for piece in stream])


def outcomes(stream: ChainStream) -> list[tuple[str, str]]:
    return [(attempt.model, attempt.outcome) for attempt in stream.attempts]


async def test_first_model_that_works_answers() -> None:
    spare = FakeChatModel(name="spare")
    stream = ModelChain([FakeChatModel(["Hi!"], name="first"), spare]).stream(PROMPT)
    assert await read(stream) == "Hi!"
    assert stream.model == "first"
    assert outcomes(stream) == [("first", "answered")]
    assert stream.attempts[0].first_token_ms is not None
    assert spare.asked == []


async def test_next_model_answers_where_one_failed_before_its_first_text() -> None:
    stream = ModelChain([failing("down"), FakeChatModel(["Hi!"], name="spare")]).stream(PROMPT)
    assert await read(stream) == "Hi!"
    assert stream.model == "spare"
    assert outcomes(stream) == [("down", "failed"), ("spare", "answered")]
    assert stream.attempts[0].reason == "down is down"
    assert stream.attempts[0].first_token_ms is None


async def test_nobody_else_finishes_a_reply_that_was_begun() -> None:
    spare = FakeChatModel(name="spare")
    stream = ModelChain([failing("half", "Well, "), spare]).stream(PROMPT)
    assert await anext(stream) == "Well, "
    with pytest.raises(ChatModelError, match="half is down"):
        await anext(stream)
    assert spare.asked == []
    assert outcomes(stream) == [("half", "failed")]


async def test_failed_model_rests_and_is_asked_again_later() -> None:
    clock, down = Clock(), failing("down")
    chain = ModelChain([down, FakeChatModel(name="spare")], clock)
    await read(chain.stream(PROMPT))
    clock.now_s += FIRST_REST_S - 0.1
    stream = chain.stream(PROMPT)
    await read(stream)
    assert outcomes(stream) == [("down", "rested"), ("spare", "answered")]
    assert stream.attempts[0].reason == "down is down"
    assert len(down.asked) == 1
    clock.now_s += 0.2
    await read(chain.stream(PROMPT))
    assert len(down.asked) == 2


async def test_rest_doubles_with_every_failure_up_to_a_minute_and_ends_with_an_answer() -> None:
    clock, model = Clock(), failing("down")
    chain = ModelChain([model, FakeChatModel(name="spare")], clock)
    rests = []
    for _ in range(6):
        await read(chain.stream(PROMPT))
        failed_s = clock.now_s
        while chain.rests("down"):
            clock.now_s += 1
        rests.append(clock.now_s - failed_s)
    assert rests == [5, 10, 20, 40, 60, 60]
    model.pieces, model.error = ["Back!"], None
    assert await read(chain.stream(PROMPT)) == "Back!"
    model.pieces, model.error = [], ChatModelError("again", retryable=True)
    await read(chain.stream(PROMPT))
    clock.now_s += FIRST_REST_S
    assert not chain.rests("down")


async def test_model_that_no_retry_can_help_rests_longest() -> None:
    clock, model = Clock(), failing("bad key", retryable=False)
    chain = ModelChain([model, FakeChatModel(name="spare")], clock)
    await read(chain.stream(PROMPT))
    clock.now_s += LONGEST_REST_S - 1
    await read(chain.stream(PROMPT))
    assert len(model.asked) == 1


async def test_last_model_is_asked_even_where_it_failed_before() -> None:
    chain = ModelChain([failing("only")], Clock())
    for _ in range(2):
        with pytest.raises(ChatModelError, match="only is down"):
            await read(chain.stream(PROMPT))


async def test_closing_cancels_the_model_and_is_no_failure() -> None:
    model = FakeChatModel(["a", "b"], name="first", hang=True)
    chain = ModelChain([model, FakeChatModel(name="spare")])
    async with aclosing(chain.stream(PROMPT)) as stream:
        await anext(stream)
    assert model.cancelled == 1
    assert outcomes(stream) == [("first", "cancelled")]
    assert not chain.rests("first")


async def test_persona_lines_end_the_chain() -> None:
    stream = ModelChain([failing("a"), failing("b"), PersonaLines(lambda: 42)]).stream(PROMPT)
    assert "42" in await read(stream)
    assert stream.model == "persona lines"
    assert outcomes(stream) == [("a", "failed"), ("b", "failed"), ("persona lines", "answered")]


async def test_times_are_measured_from_asking_each_model() -> None:
    clock = Clock()

    class Slow(FakeChatModel):
        async def stream(self, messages: list[PromptMessage]):  # type: ignore[no-untyped-def]
            clock.now_s += 2
            yield "Hi"
            clock.now_s += 1

    stream = ModelChain([failing("down"), Slow(name="slow")], clock).stream(PROMPT)
    await read(stream)
    slow = stream.attempts[1]
    assert (slow.first_token_ms, slow.total_ms) == (2000, 3000)


async def test_closing_the_chain_closes_its_models() -> None:
    models = [FakeChatModel(), FakeChatModel()]
    await ModelChain(models).close()
    assert all(model.closed for model in models)
