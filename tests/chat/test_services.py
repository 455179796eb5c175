"""What changes rows on behalf of a person."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils import timezone

from chat import acceptance, queue, services
from chat.acceptance import accept_message
from chat.models import Message, Room, Turn
from tests.chat.stage_kit import build_message, build_room

pytestmark = pytest.mark.django_db


def states(room: Room) -> list[tuple[str, str]]:
    return [(message.state, message.reason) for message in Message.objects.filter(room=room)]


def test_only_the_hash_of_a_viewers_token_is_kept() -> None:
    viewer, token = services.create_viewer("x" * 60, "en-GB-oxendict")
    assert viewer.token_hash == services.hash_token(token)
    assert token not in viewer.token_hash
    assert (len(viewer.display_name), len(viewer.language)) == (40, 8)
    assert services.create_viewer()[1] != token


def test_repeated_client_id_gives_the_first_row_again() -> None:
    room, (viewer, _) = build_room(), services.create_viewer("Leo")
    now = timezone.now()
    first = accept_message(room, viewer, "Leo", "c", "one", now)
    again = accept_message(room, viewer, "Leo", "c", "two", now)
    assert (first[2], again[2]) == (True, False)
    assert again[0] == first[0]
    assert again[0].text == "one"
    assert Message.objects.count() == 1


def test_client_id_is_its_viewers_and_its_rooms() -> None:
    room, other = build_room(), build_room(slug="other")
    viewers = [services.create_viewer()[0] for _ in range(2)]
    made = [build_message(place, viewer=viewer) for place in (room, other) for viewer in viewers]
    assert len({message.pk for message in made}) == 4


@pytest.mark.django_db(transaction=True)
def test_same_client_id_at_the_same_moment_makes_one_row() -> None:
    room, (viewer, _) = build_room(), services.create_viewer("Leo")
    together = threading.Barrier(4)
    results: list[tuple[int, bool]] = []

    def accept() -> None:
        together.wait()
        message, _, is_new = accept_message(room, viewer, "Leo", "c", "hi", timezone.now())
        results.append((message.pk, is_new))
        connections.close_all()

    threads = [threading.Thread(target=accept) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({pk for pk, _ in results}) == 1
    assert sorted(is_new for _, is_new in results) == [False, False, False, True]
    assert Message.objects.count() == 1


def test_fourth_waiting_message_of_a_viewer_sheds_their_oldest() -> None:
    room, (viewer, _) = build_room(), services.create_viewer()
    other = build_message(room, client_id="other")
    own = [build_message(room, client_id=str(number), viewer=viewer) for number in range(3)]
    newest, shed, _ = accept_message(room, viewer, "", "3", "hi", timezone.now())
    assert shed == [own[0]]
    assert (shed[0].state, shed[0].reason) == ("shed", "newer_message")
    waiting = Message.objects.filter(state=Message.State.WAITING)
    assert set(waiting) == {other, own[1], own[2], newest}


def test_full_room_sheds_the_oldest_as_busy() -> None:
    room = build_room(max_waiting=2)
    for number in range(4):
        build_message(room, client_id=str(number))
    assert states(room) == [("shed", "busy"), ("shed", "busy"), ("waiting", ""), ("waiting", "")]


def test_other_rooms_and_answered_messages_do_not_count() -> None:
    room, other = build_room(max_waiting=1), build_room(slug="other", max_waiting=1)
    build_message(other)
    answering = build_message(room)
    assert queue.next_turn(room) is not None
    build_message(room, client_id="next")
    assert [state for state, _ in states(room)] == ["answering", "waiting"]
    assert [state for state, _ in states(other)] == ["waiting"]
    answering.refresh_from_db()
    assert answering.reason == ""


def test_message_that_stage_takes_in_the_meantime_is_not_shed(monkeypatch) -> None:
    room = build_room(max_waiting=1)
    first = build_message(room)

    def take_after_listing(rows):
        rows = list(rows)
        Message.objects.filter(pk=first.pk).update(state=Message.State.ANSWERING)
        return rows

    monkeypatch.setattr(acceptance, "list", take_after_listing, raising=False)
    _, shed, _ = accept_message(room, services.create_viewer()[0], "", "n", "hi", timezone.now())
    assert shed == []
    first.refresh_from_db()
    assert first.state == "answering"


def test_operators_line_waits_for_stage() -> None:
    turn = services.say_now(build_room(), "  Good evening!  ")
    assert (turn.kind, turn.state, turn.text) == ("operator", "queued", "Good evening!")


@pytest.mark.parametrize(("text", "reason"), [("  ", "empty"), ("x" * 2001, "too_long")])
def test_operators_line_must_be_sayable(text: str, reason: str) -> None:
    with pytest.raises(services.ServiceError) as caught:
        services.say_now(build_room(), text)
    assert caught.value.reason == reason
    assert not Turn.objects.exists()


def test_operators_line_needs_a_show() -> None:
    with pytest.raises(services.ServiceError) as caught:
        services.say_now(build_room(is_on_air=False), "Good evening!")
    assert caught.value.reason == "off_air"


def test_line_that_waits_when_the_show_ends_is_not_said_in_the_next_one() -> None:
    room = build_room()
    turn = services.say_now(room, "Good evening!")
    services.stop_room(room)
    services.start_room(room)
    turn.refresh_from_db()
    assert turn.state == "interrupted"
    assert turn.ended_at is not None


def test_interrupt_raises_the_generation_by_one() -> None:
    room = build_room()
    stale = Room.objects.get()
    assert services.interrupt(room) == 1
    assert services.interrupt(stale) == 2


def test_stopped_room_leaves_no_message_waiting() -> None:
    room = build_room()
    build_message(room)
    services.stop_room(room)
    room.refresh_from_db()
    assert (room.is_on_air, room.generation) == (False, 1)
    assert states(room) == [("shed", "off_air")]
    services.start_room(room)
    room.refresh_from_db()
    assert room.is_on_air


def test_renaming_keeps_the_names_of_old_messages() -> None:
    room, (viewer, _) = build_room(), services.create_viewer("Leo")
    message = build_message(room, viewer=viewer)
    services.rename_viewer(viewer, "L" * 50)
    message.refresh_from_db()
    assert (viewer.display_name, message.display_name) == ("L" * 40, "Leo")


def test_demo_room_is_made_only_where_there_is_none() -> None:
    room, made = services.ensure_demo_room()
    assert made
    assert room.is_on_air
    assert services.ensure_demo_room() == (room, False)
    assert Room.objects.count() == 1


def test_room_is_checked_before_it_is_saved() -> None:
    with pytest.raises(ValidationError):
        services.create_room(slug="not a slug", title="x")
