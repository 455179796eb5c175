"""The embedded model reads what the next prompt begins with before it is asked."""

import asyncio
from contextlib import asynccontextmanager

from chat import warmer as warmer_module
from chat.llm.base import ChatModelError
from chat.llm.chain import ModelChain
from chat.llm.slot import ModelSlot, SlotModel
from chat.warmer import RETRY_S, ModelWarmer
from tests.chat.director_kit import ScriptedModel
from tests.fakes.clock import in_virtual_time


class Model:
    """Counts what it was given to read."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.away = False
        self.closed = False
        self.begun = self.ended = 0
        self.takes_s = 0.1

    async def warm(self, prefix) -> None:
        self.begun += 1
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.ended += 1
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
    model.slot = ModelSlot()
    warmer = ModelWarmer(1, model.slot)
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


@in_virtual_time
async def test_turn_ends_what_is_read_ahead_at_once_and_it_goes_on_after_the_reply(monkeypatch) -> None:
    async with warming(monkeypatch) as (warmer, model):
        model.takes_s = 20.0
        warmer.add("a", prefix("one"))
        await asyncio.sleep(5)
        assert (model.begun, model.ended) == (1, 0)
        chain = ModelChain([SlotModel(ScriptedModel(), model.slot)])
        reply = chain.stream([])
        assert await anext(reply)
        assert model.ended == 1, "the slot is free before the first word comes"
        await asyncio.sleep(60)
        assert model.begun == 1, "nobody reads ahead while a reply is read"
        assert [piece async for piece in reply]
        await asyncio.sleep(21)
        assert (model.begun, model.read) == (2, ["one"])


@in_virtual_time
async def test_reply_that_is_closed_half_way_gives_the_slot_back(monkeypatch) -> None:
    async with warming(monkeypatch) as (warmer, model):
        chain = ModelChain([SlotModel(ScriptedModel(), model.slot)])
        first, second = chain.stream([]), chain.stream([])
        for reply in (first, second):
            await anext(reply)
        warmer.add("a", prefix("one"))
        await first.aclose()
        await asyncio.sleep(10)
        assert model.read == []
        await second.aclose()
        await asyncio.sleep(1)
        assert model.read == ["one"]


@in_virtual_time
async def test_room_that_leaves_while_a_turn_has_the_slot_is_not_read(monkeypatch) -> None:
    async with warming(monkeypatch) as (warmer, model):
        with model.slot.taken():
            warmer.add("a", prefix("one"))
            await asyncio.sleep(5)
            warmer.remove("a")
        await asyncio.sleep(5)
        assert model.begun == 0
