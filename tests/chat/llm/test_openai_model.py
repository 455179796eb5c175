"""The client of an OpenAI-compatible endpoint, against a real server that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from chat.llm.base import ChatModelError, PromptMessage
from chat.llm.openai_model import OpenAIChatModel, Timeouts
from tests.fakes.openai_server import OpenAIServer, Script

PROMPT: list[PromptMessage] = [{"role": "user", "content": "Ana: hello"}]
SHORT = Timeouts(connect_s=0.5, first_token_s=0.15, gap_s=0.15, total_s=0.4)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as made:
        yield made


def build_model(server: OpenAIServer, timeouts: Timeouts | None = None, **options: object) -> OpenAIChatModel:
    return OpenAIChatModel("test", server.base_url, "secret", "some-model", 0.5, 60, timeouts, **options)  # type: ignore[arg-type]


async def read_into(heard: list[str], model: OpenAIChatModel) -> None:
    try:
        async for piece in model.stream(PROMPT):
            heard.append(piece)
    finally:
        await model.close()


async def read(model: OpenAIChatModel) -> list[str]:
    heard: list[str] = []
    await read_into(heard, model)
    return heard


async def test_request_carries_key_model_and_limits(server: OpenAIServer) -> None:
    assert await read(build_model(server, stop=("```",))) == ["Hello ", "there!"]
    (request,) = server.requests
    assert request["key"] == "secret"
    assert request["model"] == "some-model"
    assert (request["temperature"], request["max_tokens"], request["stream"]) == (0.5, 60, True)
    assert request["stop"] == ["```"]
    assert request["messages"] == PROMPT


async def test_closing_the_stream_cancels_the_request_at_the_server(server: OpenAIServer) -> None:
    server.script = Script(pieces=("a", "b"), hold_after=1)
    model = build_model(server)
    async with aclosing(model.stream(PROMPT)) as stream:
        assert await anext(stream) == "a"
        assert not server.gone.is_set()
    async with asyncio.timeout(1):
        await server.gone.wait()
    await model.close()


async def test_cancelling_the_reader_cancels_the_request_at_the_server(server: OpenAIServer) -> None:
    server.script = Script(hold_after=0)
    model = build_model(server)
    reading = asyncio.create_task(anext(model.stream(PROMPT)))
    await server.asked.wait()
    reading.cancel()
    async with asyncio.timeout(1):
        await server.gone.wait()
    await model.close()


@pytest.mark.parametrize(("status", "retryable"), [(500, True), (503, True), (429, True), (401, False), (404, False)])
async def test_status_says_whether_another_try_may_help(server: OpenAIServer, status: int, retryable: bool) -> None:
    server.script = Script(status=status)
    with pytest.raises(ChatModelError, match=str(status)) as caught:
        await read(build_model(server))
    assert caught.value.retryable is retryable
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(hold_after=0), "no text within 0.15 s"),
        (Script(pieces=("", "", "", ""), hold_after=4), "no text within 0.15 s"),
        (Script(drop_after=0), "could not be reached"),
        (Script(pieces=()), "sent no text"),
        (Script(raw=b"<html>hello</html>"), "sent no text"),
        (Script(raw=b"data: {not json\n\n"), "unreadable"),
        (Script(raw=b"data: \xff\xfe\n\n"), "unreadable"),
        (Script(raw=b'data: {"choices": "many"}\n\n'), "sent no text"),
        (Script(raw=b'data: [1, 2]\n\ndata: "x"\n\ndata: null\n\n'), "sent no text"),
        (Script(raw=b'data: {"error": {"message": "out of luck"}}\n\n'), "out of luck"),
    ],
)
async def test_no_usable_answer_is_one_kind_of_error(server: OpenAIServer, script: Script, reason: str) -> None:
    server.script = script
    with pytest.raises(ChatModelError, match=reason) as caught:
        await read(build_model(server, SHORT))
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("script", "reason"),
    [(Script(hold_after=1), "fell silent for 0.15 s"), (Script(drop_after=1), "broke off")],
)
async def test_failure_in_mid_reply_comes_after_its_text(server: OpenAIServer, script: Script, reason: str) -> None:
    server.script = script
    model = build_model(server, SHORT)
    heard: list[str] = []
    with pytest.raises(ChatModelError, match=reason):
        await read_into(heard, model)
    assert heard == ["Hello "]


async def test_reader_may_take_longer_than_all_time_limits(server: OpenAIServer) -> None:
    model = build_model(server, SHORT)
    heard = []
    async for piece in model.stream(PROMPT):
        heard.append(piece)
        await asyncio.sleep(SHORT.total_s)
    assert heard == ["Hello ", "there!"]
    await model.close()


async def test_dead_endpoint_fails_at_once() -> None:
    async with OpenAIServer() as gone:
        model = build_model(gone)
    async with asyncio.timeout(1):
        with pytest.raises(ChatModelError, match="could not be reached") as caught:
            await read(model)
    assert caught.value.retryable


async def test_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert await read(build_model(server)) == ["Hello ", "there!"]


async def test_warming_asks_for_one_token_and_waits_longer_than_a_turn_would(server: OpenAIServer) -> None:
    model = build_model(server, Timeouts(first_token_s=0.0, total_s=5))
    await model.warm([{"role": "system", "content": "persona"}])
    (request,) = server.requests
    assert request["max_tokens"] == 1
    assert request["messages"][0] == {"role": "system", "content": "persona"}
    await model.close()
