"""What is said next, and what becomes of a message."""

import pytest

from chat import queue, services
from chat.models import Message, Room, Turn
from tests.chat.stage_kit import build_message, build_room

pytestmark = pytest.mark.django_db


def next_kind(room: Room) -> str | None:
    turn = queue.next_turn(room)
    return turn.kind if turn is not None else None


def test_operator_goes_before_viewers_and_viewers_by_age() -> None:
    room = build_room()
    first, second = build_message(room, client_id="1"), build_message(room, client_id="2")
    services.say_now(room, "Good evening")
    assert next_kind(room) == "operator"
    turns = [queue.next_turn(room), queue.next_turn(room)]
    assert [turn.message for turn in turns if turn] == [first, second]
    assert next_kind(room) is None


def test_claimed_message_is_being_answered_and_carries_its_times() -> None:
    room = build_room()
    message = build_message(room)
    turn = queue.next_turn(room)
    assert turn is not None
    message.refresh_from_db()
    assert (message.state, message.attempts, turn.state) == ("answering", 1, "running")
    assert turn.stamps == {
        "received": message.received_at.timestamp(),
        "accepted": message.created_at.timestamp(),
    }


def test_other_rooms_do_not_answer() -> None:
    build_message(build_room())
    services.say_now(build_room(slug="third"), "x")
    assert queue.next_turn(build_room(slug="other")) is None


def test_turn_is_claimed_once() -> None:
    turn = services.say_now(build_room(), "Hello")
    stale = Turn.objects.get()
    assert queue.claim(turn) is turn
    assert queue.claim(stale) is None


def test_rank_is_that_of_the_most_important_that_waits() -> None:
    room = build_room()
    assert queue.waiting_rank(room) == -1
    build_message(room)
    assert queue.waiting_rank(room) == queue.RANK[Turn.Kind.VIEWER]
    Turn.objects.create(room=room, kind=Turn.Kind.BROADCAST, text="x")
    assert queue.waiting_rank(room) == queue.RANK[Turn.Kind.BROADCAST]
    services.say_now(room, "x")
    assert queue.waiting_rank(room) == queue.RANK[Turn.Kind.OPERATOR]
    ranks = queue.RANK
    assert ranks[Turn.Kind.OPERATOR] > ranks[Turn.Kind.BROADCAST] > ranks[Turn.Kind.VIEWER] > ranks[Turn.Kind.IDLE]


@pytest.mark.parametrize(
    ("heard", "state", "stopped_by", "attempts", "expected"),
    [
        ("Hello.", "finished", "", 1, ("answered", "")),
        ("Hel", "interrupted", "higher priority", 1, ("answered", "interrupted")),
        ("Hel", "interrupted", "operator", 3, ("answered", "interrupted")),
        ("", "interrupted", "operator", 1, ("shed", "interrupted")),
        ("", "interrupted", "higher priority", 1, ("waiting", "")),
        ("", "failed", "", 2, ("waiting", "")),
        ("", "failed", "", 3, ("failed", "no_answer")),
        ("", "finished", "", 3, ("failed", "no_answer")),
    ],
)
def test_message_ends_in_a_state_that_says_what_was_heard(heard, state, stopped_by, attempts, expected) -> None:
    room = build_room()
    message = build_message(room)
    Message.objects.update(attempts=attempts - 1)
    turn = queue.next_turn(room)
    assert turn is not None
    turn.heard = heard
    queue.end_turn(turn, Turn.State(state), stopped_by=stopped_by)
    message.refresh_from_db()
    turn.refresh_from_db()
    assert (message.state, message.reason) == expected
    assert turn.state == state
    assert turn.ended_at is not None


def test_end_of_a_turn_without_a_message_changes_no_message() -> None:
    room = build_room()
    turn = queue.create_idle_turn(room, "Quiet here.")
    assert turn.state == "running"
    assert queue.end_turn(turn, Turn.State.FINISHED) is None


def test_unfinished_turns_come_with_their_sentences_oldest_first() -> None:
    room = build_room()
    idle = queue.create_idle_turn(room, "One.")
    running = queue.create_idle_turn(room, "Two.")
    done = queue.create_idle_turn(room, "Three.")
    queue.end_turn(done, Turn.State.FINISHED)
    queue.create_idle_turn(build_room(slug="other"), "Four.")
    running.sentences.create(index=1, text="b")
    running.sentences.create(index=0, text="a")
    assert [(turn.pk, [row.text for row in rows]) for turn, rows in queue.list_unfinished(room)] == [
        (idle.pk, []),
        (running.pk, ["a", "b"]),
    ]
