"""How many chat sockets a room has."""

import asyncio

from chat.audience import REFUSE_PAST_PER_ADDRESS, Audience
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
    for number in range(5):
        audience.join("a", f"10.0.0.{number}")
    audience.join("b", "10.0.0.9")
    audience.leave("a", "10.0.0.0")
    await pass_time(2)
    assert [(room, count) for room, count, _ in told] == [("a", 4), ("b", 1)]
    assert (audience.count("a"), audience.count("b"), audience.count("c")) == (4, 1, 0)


@in_virtual_time
async def test_room_is_told_at_most_twice_a_second() -> None:
    audience, told = build()
    for number in range(100):
        audience.join("a", f"10.0.0.{number}")
        await pass_time(0.05)
    assert 5 <= len(told) <= 11


@in_virtual_time
async def test_address_with_too_many_sockets_is_refused_and_not_counted() -> None:
    audience, _ = build()
    assert all(audience.join("a", "10.0.0.1") for _ in range(REFUSE_PAST_PER_ADDRESS))
    assert not audience.join("b", "10.0.0.1")
    assert audience.join("b", "10.0.0.2")
    assert (audience.count("a"), audience.count("b")) == (REFUSE_PAST_PER_ADDRESS, 1)
    audience.leave("a", "10.0.0.1")
    assert audience.join("b", "10.0.0.1")
    audience.close()


@in_virtual_time
async def test_empty_room_is_told_zero_and_closing_tells_no_more() -> None:
    audience, told = build()
    audience.join("a", "x")
    await pass_time(1)
    audience.leave("a", "x")
    await pass_time(1)
    assert [count for _, count, _ in told] == [1, 0]
    audience.join("a", "x")
    audience.close()
    await pass_time(1)
    assert len(told) == 2
