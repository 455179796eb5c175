"""What every language model promises, the fake included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from chat.llm.base import ChatModel, PromptMessage
from chat.llm.chain import ModelChain
from chat.llm.openai_model import OpenAIChatModel
from chat.llm.persona_lines import PersonaLines
from tests.fakes.chat_model import FakeChatModel
from tests.fakes.openai_server import OpenAIServer

PROMPT: list[PromptMessage] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Ana: hello"}]


@pytest_asyncio.fixture(params=["fake", "openai", "persona lines", "chain"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[ChatModel]:
    async with OpenAIServer() as server:
        made: ChatModel
        if request.param == "fake":
            made = FakeChatModel()
        elif request.param == "openai":
            made = OpenAIChatModel("openai", server.base_url, "key", "model", 0.5, 60)
        elif request.param == "persona lines":
            made = PersonaLines(lambda: None)
        else:
            made = ModelChain([FakeChatModel(), PersonaLines(lambda: None)])
        yield made
        await made.close()


async def test_a_reply_is_pieces_of_text(model: ChatModel) -> None:
    pieces = [piece async for piece in model.stream(PROMPT)]
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert "".join(pieces).strip()


async def test_the_prompt_is_left_as_it_was(model: ChatModel) -> None:
    prompt = [PromptMessage(**message) for message in PROMPT]
    assert [piece async for piece in model.stream(prompt)]
    assert prompt == PROMPT


async def test_a_closed_stream_yields_nothing_more(model: ChatModel) -> None:
    async with aclosing(model.stream(PROMPT)) as stream:
        await anext(stream)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_stream_that_was_never_read_can_be_closed(model: ChatModel) -> None:
    await model.stream(PROMPT).aclose()


async def test_one_model_answers_many_turns(model: ChatModel) -> None:
    for _ in range(3):
        assert [piece async for piece in model.stream(PROMPT)]


def test_it_has_a_name_for_the_record(model: ChatModel) -> None:
    assert model.name
