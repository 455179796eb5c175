"""Exactly one stage process runs a room."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from chat import leases, services
from chat.models import Room
from tests.chat.stage_kit import build_room

pytestmark = pytest.mark.django_db


def expire(room: Room) -> None:
    Room.objects.filter(pk=room.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_room_has_one_holder() -> None:
    room = build_room()
    assert leases.claim_rooms("a", 16) == [room]
    assert leases.claim_rooms("b", 16) == []
    assert leases.claim_rooms("a", 16) == [room]


def test_rooms_that_are_off_air_are_not_taken() -> None:
    build_room(is_on_air=False)
    assert leases.claim_rooms("a", 16) == []


def test_room_that_goes_off_air_while_its_holder_is_dead_is_taken_once_more_to_be_closed() -> None:
    room = build_room()
    leases.claim_rooms("a", 16)
    services.stop_room(room)
    assert leases.claim_rooms("b", 16) == [], "its holder lives"
    expire(room)
    assert leases.claim_rooms("b", 16) == [room]
    leases.release("b", room.pk)
    assert leases.claim_rooms("b", 16) == []


def test_expired_lease_is_taken_over_and_its_old_holder_cannot_renew() -> None:
    room = build_room()
    leases.claim_rooms("a", 16)
    expire(room)
    assert leases.claim_rooms("b", 16) == [room]
    assert not leases.renew("a", room.pk)
    assert leases.renew("b", room.pk)
    leases.release("a", room.pk)
    room.refresh_from_db()
    assert room.lease_owner == "b"


def test_renewed_lease_lasts() -> None:
    room = build_room()
    leases.claim_rooms("a", 16)
    expire(room)
    assert leases.renew("a", room.pk)
    assert leases.claim_rooms("b", 16) == []
    room.refresh_from_db()
    assert room.lease_expires_at > timezone.now() + timedelta(seconds=leases.LEASE_S - 1)


def test_released_room_is_free_at_once() -> None:
    room = build_room()
    leases.claim_rooms("a", 16)
    leases.release("a", room.pk)
    assert leases.claim_rooms("b", 16) == [room]


def test_process_takes_no_more_than_it_can() -> None:
    for number in range(4):
        build_room(slug=f"r{number}")
    assert len(leases.claim_rooms("a", 2)) == 2
    assert len(leases.claim_rooms("b", 16)) == 2


def test_room_that_another_process_takes_between_look_and_claim_is_theirs(monkeypatch) -> None:
    room = build_room()

    def meanwhile(**lengths: float) -> timedelta:
        monkeypatch.setattr(leases, "timedelta", timedelta)
        assert leases.claim_rooms("b", 16) == [room]
        return timedelta(**lengths)

    monkeypatch.setattr(leases, "timedelta", meanwhile)
    assert leases.claim_rooms("a", 16) == []
    room.refresh_from_db()
    assert room.lease_owner == "b"


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_the_same_moment_never_share_a_room() -> None:
    rooms = [build_room(slug=f"r{number}") for number in range(5)]
    together = threading.Barrier(3)
    taken: dict[str, list[Room]] = {}

    def claim(owner: str) -> None:
        together.wait()
        taken[owner] = leases.claim_rooms(owner, 16)
        connections.close_all()

    threads = [threading.Thread(target=claim, args=(owner,)) for owner in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [room.pk for held in taken.values() for room in held]
    assert sorted(every) == [room.pk for room in rooms]
    for owner, held in taken.items():
        assert all(room.lease_owner == owner for room in held)
