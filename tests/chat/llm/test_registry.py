"""From a room's settings to its chain."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from avatar_engine.weights import LLM_LARGE
from avatar_engine.weights.progress import progress_path
from chat.llm.registry import EndpointError, build_arriving_percent, build_chain, check_endpoints
from chat.llm.slot import ModelSlot
from tests.fakes.openai_server import OpenAIServer, Script


@dataclass
class FakeEnv:
    data_dir: Path
    llm_port: int = 9
    runs_llm: bool = True
    secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, name: str) -> str | None:
        return self.secrets.get(name)


ENDPOINT = {"base_url": "https://api.example.org/v1", "model": "big", "key_env": "BIG_API_KEY"}


async def test_room_without_endpoints_has_the_embedded_model_and_persona_lines(tmp_path: Path) -> None:
    chain = build_chain([], FakeEnv(tmp_path), ModelSlot())
    assert chain.name == "embedded > persona lines"
    await chain.close()


async def test_machine_without_the_embedded_model_is_not_asked_for_it(tmp_path: Path) -> None:
    chain = build_chain([], FakeEnv(tmp_path, runs_llm=False), ModelSlot())
    assert chain.name == "persona lines"
    await chain.close()


async def test_endpoints_come_first_in_their_order(tmp_path: Path) -> None:
    local = {"base_url": "http://127.0.0.1:1/v1", "model": "local"}
    chain = build_chain([ENDPOINT, local], FakeEnv(tmp_path, secrets={"BIG_API_KEY": "x"}), ModelSlot())
    assert chain.name == "big (api.example.org) > local (127.0.0.1) > embedded > persona lines"
    await chain.close()


async def test_endpoint_without_its_key_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        chain = build_chain([ENDPOINT], FakeEnv(tmp_path), ModelSlot())
    assert chain.name == "embedded > persona lines"
    assert "BIG_API_KEY" in caplog.text
    await chain.close()


async def test_a_room_speaks_even_where_every_server_is_down(tmp_path: Path) -> None:
    async with OpenAIServer(Script(status=500)) as server:
        chain = build_chain([{"base_url": server.base_url, "model": "broken"}], FakeEnv(tmp_path), ModelSlot())
        stream = chain.stream([{"role": "user", "content": "Ana: hello"}])
        assert [piece async for piece in stream]
        await chain.close()
    assert [attempt.outcome for attempt in stream.attempts] == ["failed", "failed", "answered"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "api.example.org"}, "base_url must look like"),
        ({"base_url": "file:///etc/passwd"}, "base_url must look like"),
        ({"base_url": None}, "base_url must be a text"),
        ({"model": " "}, "model must be a text"),
        ({"key_env": "sk-12345"}, "not the key itself"),
        ({"key_env": "SECRET_KEY"}, "ends in _API_KEY"),
        ({"temperature": 3}, "temperature must be a number from 0 to 2"),
        ({"temperature": True}, "temperature must be a number"),
        ({"temperature": float("nan")}, "temperature must be a number"),
        ({"max_tokens": 0}, "max_tokens must be a number from 1"),
        ({"max_token": 5}, "max_token is unknown"),
    ],
)
def test_wrong_field_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(EndpointError, match=words) as caught:
        check_endpoints([ENDPOINT, {**ENDPOINT, **change}])
    assert str(caught.value).startswith("endpoint 2: ")


@pytest.mark.parametrize("config", [None, {}, "text", [3], [ENDPOINT] * 6])
def test_what_is_no_short_list_of_objects_is_refused(config: Any) -> None:
    with pytest.raises(EndpointError):
        check_endpoints(config)


def test_defaults_are_filled_in() -> None:
    (endpoint,) = check_endpoints([{"base_url": "http://localhost:1234/v1", "model": "m"}])
    assert (endpoint.key_env, endpoint.temperature, endpoint.max_tokens) == ("", 0.7, 80)


@pytest.mark.parametrize(
    ("state", "done", "percent"),
    [("fetching", 0.42, 42), ("checking", 1.0, 99), ("whole", 1.0, None), ("failed", 0.42, None)],
)
def test_arriving_percent_is_what_the_fetch_says(tmp_path: Path, state: str, done: float, percent: int | None) -> None:
    arriving = build_arriving_percent(tmp_path)
    assert arriving() is None
    fields = {"name": LLM_LARGE.name, "state": state, "done": int(done * 1000), "total": 1000, "error": ""}
    progress_path(tmp_path, LLM_LARGE.name).write_text(json.dumps(fields))
    assert arriving() == percent
