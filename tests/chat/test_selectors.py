"""What pages are shown."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chat import queue, selectors, services
from chat.models import Sentence, Turn
from tests.chat.stage_kit import build_message, build_room

pytestmark = pytest.mark.django_db


def test_front_page_lists_only_listed_rooms_but_a_slug_finds_all() -> None:
    listed, hidden = build_room(), build_room(slug="hidden", is_listed=False)
    assert list(selectors.list_rooms()) == [listed]
    assert selectors.get_room("hidden") == hidden
    assert selectors.get_room("nowhere") is None


def test_viewer_is_found_by_token_alone() -> None:
    viewer, token = services.create_viewer("Leo")
    assert selectors.get_viewer(token) == viewer
    assert selectors.get_viewer(viewer.token_hash) is None
    assert selectors.get_viewer("") is None


def test_history_is_messages_and_what_was_heard_in_order() -> None:
    room, other = build_room(), build_room(slug="other")
    build_message(other, "not here")
    message = build_message(room, "Hello?")
    turn = Turn.objects.create(room=room, kind=Turn.Kind.VIEWER, message=message)
    at = message.created_at
    for index, (state, heard) in enumerate(
        [("heard", "One."), ("cut", "Two"), ("cut", ""), ("dropped", ""), ("on_air", ""), ("written", "")]
    ):
        row = Sentence.objects.create(turn=turn, index=index, text="Whole text.", state=state, heard=heard)
        Sentence.objects.filter(pk=row.pk).update(created_at=at + timedelta(seconds=index + 1))
    items = selectors.list_history(room)
    assert [(item["type"], item["text"]) for item in items] == [
        ("message", "Hello?"),
        ("reply", "One."),
        ("reply", "Two"),
    ]
    assert items[1]["message"] == message.pk


def test_history_is_bounded() -> None:
    room = build_room(max_waiting=500)
    viewers = [services.create_viewer()[0] for _ in range(30)]
    for number in range(60):
        build_message(room, str(number), client_id=str(number), viewer=viewers[number % 30])
    items = selectors.list_history(room)
    assert len(items) == selectors.HISTORY_ITEMS
    assert items[-1]["text"] == "59"


def test_question_is_the_message_that_is_answered_now() -> None:
    room = build_room()
    assert selectors.get_question(room) == (None, None)
    message = build_message(room, "Who are you?")
    assert selectors.get_question(room) == (None, None)
    queue.next_turn(room)
    assert selectors.get_question(room) == (message.pk, {"name": "Leo", "text": "Who are you?"})


def test_lease_says_whether_a_stage_runs_the_room() -> None:
    room = build_room()
    assert not selectors.is_leased(room)
    room.lease_expires_at = timezone.now() + timedelta(seconds=5)
    assert selectors.is_leased(room)
    room.lease_expires_at = timezone.now() - timedelta(seconds=5)
    assert not selectors.is_leased(room)


def test_answered_are_ended_answers_with_their_messages_oldest_first() -> None:
    room = build_room()
    for number in range(2):
        build_message(room, f"Question {number}", client_id=str(number))
        turn = queue.next_turn(room)
        Turn.objects.filter(pk=turn.pk).update(ended_at=timezone.now(), state="finished")
    build_message(room, "being answered", client_id="a")
    queue.next_turn(room)
    build_message(room, "waiting", client_id="w")
    queue.end_turn(queue.create_idle_turn(room, "Quiet."), Turn.State.FINISHED)
    assert [turn.message.text for turn in selectors.list_answered(room)] == ["Question 0", "Question 1"]


def test_observation_is_keyed_by_opaque_ids() -> None:
    message = build_message(build_room(), "Hello?")
    seen = selectors.build_observation(message)
    assert (seen.viewer_id, seen.room_id) == (str(message.viewer_id), str(message.room_id))
    assert (seen.text, seen.speaker) == ("Hello?", "Leo")
