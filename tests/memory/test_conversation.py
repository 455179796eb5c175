"""The room's latest exchanges."""

from __future__ import annotations

from memory.conversation import Conversation, Exchange


def build(number: int, viewer: str = "v", heard: str = "Yes.") -> Exchange:
    return Exchange(viewer, "Ann", f"question {number}", heard)


def test_window_only_grows_at_its_end_until_four_go_at_once() -> None:
    conversation = Conversation()
    starts = []
    for number in range(30):
        before = conversation.exchanges
        conversation.add(build(number))
        after = conversation.exchanges
        assert 1 <= len(after) <= 7
        if after[: len(before)] != before:
            assert after[:-1] == before[4:]
            starts.append(number)
    assert starts == list(range(7, 30, 4))


def test_answer_of_which_nothing_was_heard_is_left_out() -> None:
    conversation = Conversation()
    conversation.add(build(1, heard=""))
    assert conversation.exchanges == ()


def test_forgotten_viewer_leaves_no_exchange() -> None:
    conversation = Conversation()
    for number, viewer in enumerate(("a", "b", "a")):
        conversation.add(build(number, viewer))
    assert conversation.forget("a") == 2
    assert [exchange.viewer_id for exchange in conversation.exchanges] == ["b"]
