"""The embedded model reads what the next prompt begins with before it is asked."""

import asyncio
from contextlib import asynccontextmanager

from chat import warmer as warmer_module
from chat.llm.base import ChatModelError
from chat.warmer import RETRY_S, ModelWarmer
from tests.fakes.clock import in_virtual_time


class Model:
    """Counts what it was given to read."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.away = False
        self.closed = False

    async def warm(self, prefix) -> None:
        await asyncio.sleep(0.1)
        if self.away:
            raise ChatModelError("away", retryable=True)
        self.read.append(prefix[0]["content"])

    async def close(self) -> None:
        self.closed = True


def prefix(text: str):
    return [{"role": "system", "content": text}]


@asynccontextmanager
async def warming(monkeypatch):
    model = Model()
    monkeypatch.setattr(warmer_module, "build_embedded_model", lambda port: model)
    warmer = ModelWarmer(1)
    task = asyncio.create_task(warmer.run())
    try:
        yield warmer, model
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await warmer.close()
        assert model.closed


@in_virtual_time
async def test_every_prefix_is_read_once(monkeypatch) -> None:
    async with warming(monkeypatch) as (warmer, model):
        warmer.add("a", prefix("one"))
        warmer.add("b", prefix("two"))
        await asyncio.sleep(60)
        assert sorted(model.read) == ["one", "two"]


@in_virtual_time
async def test_model_that_is_away_is_asked_until_it_answers(monkeypatch) -> None:
    async with warming(monkeypatch) as (warmer, model):
        model.away = True
        warmer.add("a", prefix("one"))
        await asyncio.sleep(60)
        assert model.read == []
        model.away = False
        await asyncio.sleep(RETRY_S + 1)
        assert model.read == ["one"]


@in_virtual_time
async def test_room_that_left_is_not_read(monkeypatch) -> None:
    async with warming(monkeypatch) as (warmer, model):
        model.away = True
        warmer.add("a", prefix("one"))
        await asyncio.sleep(0.05)
        warmer.remove("a")
        model.away = False
        await asyncio.sleep(60)
        assert "one" not in model.read[1:]


@in_virtual_time
async def test_newer_prefix_of_a_room_is_read_though_an_older_is_under_way(monkeypatch) -> None:
    async with warming(monkeypatch) as (warmer, model):
        warmer.add("a", prefix("old"))
        await asyncio.sleep(0.05)
        warmer.add("a", prefix("new"))
        await asyncio.sleep(5)
        assert model.read[-1] == "new"
