"""Short-term memory: bounded, forgetful on demand, and never one viewer's to another."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from memory.ring import MOST_VIEWERS, RING_LINES, RingStore
from memory.store import Observation, RecallScope, Reply
from tests.fakes.clock import in_virtual_time

AT = datetime(2026, 1, 1, tzinfo=UTC)


def said(number: int, viewer: str | None = "ann", room: str = "1", text: str = "") -> Observation:
    return Observation(
        str(number), room, viewer, viewer or "", text or f"line {number}", AT + timedelta(seconds=number)
    )


def answered(number: int, viewer: str | None = "ann", room: str = "1", heard: str = "") -> Reply:
    return Reply(str(number), room, viewer, heard or f"answer {number}", AT + timedelta(seconds=number))


async def recall(store: RingStore, viewer: str | None = "ann", room: str = "1", k: int = 10):
    return await store.recall(RecallScope(room, viewer), "", k, AT)


@in_virtual_time
async def test_own_lines_come_first_then_the_rooms_each_oldest_first() -> None:
    store = RingStore()
    await store.observe(said(1))
    await store.remember_reply(answered(2))
    await store.observe(said(3, "bo"))
    lines = await recall(store)
    assert [(line.text, line.speaker, line.own) for line in lines] == [
        ("line 1", "viewer", True),
        ("answer 2", "presenter", True),
        ("line 3", "viewer", False),
    ]


@in_virtual_time
async def test_only_the_latest_k_of_each_are_recalled() -> None:
    store = RingStore()
    for number in range(10):
        await store.observe(said(number, "ann" if number % 2 else "bo"))
    assert [line.text for line in await recall(store, k=2)] == ["line 7", "line 9", "line 6", "line 8"]
    assert await recall(store, k=0) == []


@in_virtual_time
async def test_reply_of_which_nothing_was_heard_is_not_remembered() -> None:
    store = RingStore()
    await store.remember_reply(Reply("1", "1", "ann", "", AT))
    assert await recall(store) == []


@in_virtual_time
async def test_rooms_do_not_know_each_other() -> None:
    store = RingStore()
    await store.observe(said(1, room="1"))
    assert await recall(store, room="2") == []


@in_virtual_time
async def test_guest_without_an_id_has_no_lines_of_their_own() -> None:
    store = RingStore()
    await store.observe(said(1, None))
    await store.observe(said(2, "ann"))
    assert [line.own for line in await recall(store, viewer=None)] == [False, False]


@in_virtual_time
async def test_rings_are_bounded() -> None:
    store = RingStore()
    for number in range(RING_LINES * 3):
        await store.observe(said(number))
        await store.observe(said(number, "bo"))
    lines = await recall(store, k=1000)
    assert len([line for line in lines if line.own]) == RING_LINES
    assert len([line for line in lines if not line.own]) == RING_LINES // 2


@in_virtual_time
async def test_viewer_quiet_for_longest_is_forgotten_past_the_bound() -> None:
    store = RingStore()
    for number in range(MOST_VIEWERS):
        await store.observe(said(number, f"viewer {number}"))
    await store.observe(said(0, "viewer 0"))
    await store.observe(said(0, "one more"))
    assert any(line.own for line in await recall(store, "viewer 0"))
    assert not any(line.own for line in await recall(store, "viewer 1"))


@in_virtual_time
async def test_forgetting_removes_a_viewer_everywhere_and_nobody_else() -> None:
    store = RingStore()
    for room in ("1", "2"):
        await store.observe(said(1, room=room))
        await store.remember_reply(answered(2, room=room))
        await store.observe(said(3, "bo", room=room))
    assert await store.forget("ann") == 8
    assert await store.forget("ann") == 0
    for room in ("1", "2"):
        assert await recall(store, "ann", room) == [*await recall(store, "cy", room)]
        assert [line.text for line in await recall(store, "bo", room)] == ["line 3"]
        assert [line.text for line in await recall(store, "cy", room)] == ["line 3"]
    await store.observe(said(4))
    assert [line.text for line in await recall(store)] == ["line 4", "line 3"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["observe", "reply", "forget"]), st.sampled_from(["a", "b", None]), st.sampled_from("12")
    ),
    max_size=60,
)


@given(STEPS)
def test_own_lines_are_only_ever_the_viewers(steps: list[tuple[str, str | None, str]]) -> None:
    @in_virtual_time
    async def check() -> None:
        store = RingStore()
        erased_at = {"a": -1, "b": -1}
        for number, (step, viewer, room) in enumerate(steps):
            text = f"{viewer}/{room}/{number}"
            if step == "observe":
                await store.observe(said(number, viewer, room, text))
            elif step == "reply":
                await store.remember_reply(answered(number, viewer, room, text))
            elif viewer is not None:
                await store.forget(viewer)
                erased_at[viewer] = number
        for asking in ("a", "b", "c", None):
            for room in "12":
                for line in await recall(store, asking, room, k=100):
                    viewer, place, number = line.text.split("/")
                    assert place == room
                    assert line.own == (viewer == asking and asking is not None)
                    assert int(number) > erased_at.get(viewer, -1)

    check()
