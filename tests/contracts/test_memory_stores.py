"""What every memory store promises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from memory.ring import RingStore
from memory.store import MemoryStore, Observation, RecallScope, Reply
from tests.fakes.clock import in_virtual_time

STORES: dict[str, Callable[[], MemoryStore]] = {"ring": RingStore}
AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = AT + timedelta(minutes=1)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> MemoryStore:
    return STORES[request.param]()


def said(text: str, viewer: str | None = "ann", room: str = "1", number: int = 1) -> Observation:
    return Observation(str(number), room, viewer, "Ann", text, AT + timedelta(seconds=number))


@in_virtual_time
async def test_empty_store_recalls_nothing(store: MemoryStore) -> None:
    assert await store.recall(RecallScope("1", "ann"), "tea", 5, NOW) == []
    assert await store.recall(RecallScope("1", None), "", 5, NOW) == []


@in_virtual_time
async def test_what_a_viewer_said_and_was_told_is_recalled_as_theirs(store: MemoryStore) -> None:
    await store.observe(said("I like green tea"))
    await store.remember_reply(Reply("t", "1", "ann", "Green tea it is", AT + timedelta(seconds=2)))
    lines = await store.recall(RecallScope("1", "ann"), "tea", 5, NOW)
    assert {(line.text, line.speaker) for line in lines if line.own} == {
        ("I like green tea", "viewer"),
        ("Green tea it is", "presenter"),
    }


@in_virtual_time
async def test_one_viewers_lines_are_never_anothers_own(store: MemoryStore) -> None:
    await store.observe(said("I like green tea", "ann"))
    for scope in (RecallScope("1", "bo"), RecallScope("1", None)):
        assert not any(line.own for line in await store.recall(scope, "tea", 5, NOW))
    assert await store.recall(RecallScope("2", "bo"), "tea", 5, NOW) == []


@in_virtual_time
async def test_unheard_reply_is_not_remembered(store: MemoryStore) -> None:
    await store.remember_reply(Reply("t", "1", "ann", "", AT))
    assert await store.recall(RecallScope("1", "ann"), "", 5, NOW) == []


@in_virtual_time
async def test_forgotten_viewer_is_recalled_by_nobody(store: MemoryStore) -> None:
    await store.observe(said("I like green tea", "ann"))
    await store.remember_reply(Reply("t", "1", "ann", "Green tea it is", AT))
    await store.observe(said("I like coffee", "bo", number=2))
    assert await store.forget("ann") > 0
    for viewer in ("ann", "bo", None):
        lines = await store.recall(RecallScope("1", viewer), "tea", 20, NOW)
        assert "tea" not in " ".join(line.text for line in lines)
    assert await store.forget("ann") == 0
    assert any(line.own for line in await store.recall(RecallScope("1", "bo"), "coffee", 5, NOW))


@in_virtual_time
async def test_nothing_asked_is_nothing_recalled(store: MemoryStore) -> None:
    await store.observe(said("I like green tea"))
    assert await store.recall(RecallScope("1", "ann"), "tea", 0, NOW) == []
