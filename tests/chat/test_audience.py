"""How many chat sockets a room has."""

import asyncio

from chat.audience import Audience
from tests.fakes.clock import in_virtual_time, virtual_loop


def build() -> tuple[Audience, list[tuple[str, int, float]]]:
    told: list[tuple[str, int, float]] = []

    async def tell(room: str, count: int) -> None:
        told.append((room, count, virtual_loop().time()))

    return Audience(tell), told


async def pass_time(seconds: float) -> None:

    await asyncio.sleep(seconds)


@in_virtual_time
async def test_each_room_is_told_its_own_count_after_a_burst_once() -> None:
    audience, told = build()
    for _ in range(5):
        audience.join("a")
    audience.join("b")
    audience.leave("a")
    await pass_time(2)
    assert [(room, count) for room, count, _ in told] == [("a", 4), ("b", 1)]
    assert (audience.count("a"), audience.count("b"), audience.count("c")) == (4, 1, 0)


@in_virtual_time
async def test_room_is_told_at_most_twice_a_second() -> None:
    audience, told = build()
    for _ in range(100):
        audience.join("a")
        await pass_time(0.05)
    assert 5 <= len(told) <= 11


@in_virtual_time
async def test_empty_room_is_told_zero_and_closing_tells_no_more() -> None:
    audience, told = build()
    audience.join("a")
    await pass_time(1)
    audience.leave("a")
    await pass_time(1)
    assert [count for _, count, _ in told] == [1, 0]
    audience.join("a")
    audience.close()
    await pass_time(1)
    assert len(told) == 2
