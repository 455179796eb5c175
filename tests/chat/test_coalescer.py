"""What is said within one moment becomes one frame; nothing that counts is lost in it."""

from hypothesis import given
from hypothesis import strategies as st

from chat.coalescer import MOST_ITEMS, MOST_MESSAGES, Coalescer


def message(pk: int, state: str = "waiting") -> dict:
    return {"type": "message", "id": pk, "text": f"text {pk}", "state": state, "reason": ""}


def state(pk: int, name: str, reason: str = "") -> dict:
    return {"type": "message.state", "id": pk, "state": name, "reason": reason}


def test_state_becomes_part_of_the_message_it_is_about() -> None:
    coalescer = Coalescer()
    assert not coalescer.add({"type": "batch", "items": [message(1), message(2), state(1, "shed", "busy")]})
    assert coalescer.take() == [{**message(1, "shed"), "reason": "busy"}, message(2)]
    assert coalescer.take() == []


def test_presenter_does_not_wait_and_comes_after_what_was_before() -> None:
    coalescer = Coalescer()
    assert not coalescer.add(message(1))
    assert coalescer.add({"type": "caption", "text": "Hello"})
    assert [item["type"] for item in coalescer.take()] == ["message", "caption"]


def test_last_count_of_viewers_stays() -> None:
    coalescer = Coalescer()
    coalescer.add({"type": "viewers", "count": 3})
    coalescer.add({"type": "viewers", "count": 4})
    assert coalescer.take() == [{"type": "viewers", "count": 4}]


def test_so_many_states_make_it_full() -> None:
    coalescer = Coalescer()
    for pk in range(MOST_ITEMS):
        assert not coalescer.is_full
        coalescer.add(state(pk, "shed"))
    assert coalescer.is_full
    assert len(coalescer.take()) == MOST_ITEMS
    assert not coalescer.is_full


ITEMS = st.one_of(
    st.builds(message, st.integers(0, 40), st.sampled_from(["waiting", "shed"])),
    st.builds(state, st.integers(0, 40), st.sampled_from(["answering", "answered", "shed"])),
    st.just({"type": "viewers", "count": 1}),
    st.just({"type": "caption"}),
)


@given(st.lists(ITEMS, max_size=200))
def test_page_ends_with_the_same_states_as_without_coalescing(items: list[dict]) -> None:
    coalescer = Coalescer()
    for item in items:
        coalescer.add(item)
    taken = coalescer.take()
    told = {item["id"]: item["state"] for item in items if "id" in item}
    shown = {item["id"]: item["state"] for item in taken if "id" in item}
    assert all(shown.get(pk, "waiting") == name for pk, name in told.items() if name != "waiting" or pk in shown)
    messages = [item for item in taken if item["type"] == "message"]
    assert len(messages) <= MOST_MESSAGES
    assert sum(item["type"] == "caption" for item in taken) == sum(item["type"] == "caption" for item in items)
