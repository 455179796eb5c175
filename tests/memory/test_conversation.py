"""The room's latest exchanges."""

from __future__ import annotations

import pytest

from memory.conversation import MOST_KEPT, MOST_TOKENS, Conversation, Exchange


def build(number: int, viewer: str = "v", heard: str = "Yes.") -> Exchange:
    return Exchange(viewer, "Ann", f"question {number}", heard)


def test_window_only_grows_at_its_end_until_all_but_three_go_at_once() -> None:
    conversation = Conversation()
    cut_at = []
    for number in range(40):
        before = conversation.exchanges
        conversation.add(build(number))
        after = conversation.exchanges
        assert len(after) <= MOST_KEPT
        if after[: len(before)] != before:
            assert after == (*before[-2:], build(number))
            cut_at.append(number)
    assert cut_at == [14, 26, 38]


@pytest.mark.parametrize("heard", ["word " * 150, "字" * 400])
def test_long_answers_stay_within_what_the_model_may_read(heard: str) -> None:
    conversation = Conversation()
    for number in range(20):
        conversation.add(build(number, heard=heard))
        assert sum(exchange.tokens for exchange in conversation.exchanges) <= MOST_TOKENS
        assert conversation.exchanges[-1].text == f"question {number}"


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
