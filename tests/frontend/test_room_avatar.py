"""Which avatar a room has: chosen among those of its engine, and not while people look at another."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from avatar_engine.models import Avatar
from chat.models import Room
from tests.frontend.test_room_settings import fields

pytestmark = pytest.mark.django_db

EDIT = "/console/rooms/mira/edit/"


@pytest.fixture
def room() -> Room:
    Avatar.objects.create(name="ada", family="synctalk_2d")
    return Room.objects.create(slug="mira", title="Mira", persona_name="Mira", width=512, height=512)


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Client:
    client.force_login(admin_user)
    return client


def save(staff: Client, room: Room, **changes: Any) -> tuple[int, str]:
    """Status of the answer and the avatar that the room has then."""
    status = staff.post(EDIT, fields(**changes)).status_code
    room.refresh_from_db()
    return status, room.avatar


def test_an_avatar_is_chosen_and_given_up(staff: Client, room: Room) -> None:
    assert 'value="ada"' in staff.get(EDIT).content.decode()
    assert save(staff, room, engine="synctalk_2d", avatar="ada") == (302, "ada")
    assert save(staff, room, engine="synctalk_2d", avatar="") == (302, "")


def test_an_avatar_of_another_family_or_of_nobody_is_refused(staff: Client, room: Room) -> None:
    refused = staff.post(EDIT, fields(engine="drawn", avatar="ada"))
    assert "ada cannot be shown by this engine" in refused.content.decode()
    assert save(staff, room, engine="synctalk_2d", avatar="../ada") == (422, "")


def test_on_air_the_avatar_stays(staff: Client, room: Room) -> None:
    Room.objects.update(is_on_air=True, engine="synctalk_2d")
    assert save(staff, room, engine="synctalk_2d", avatar="ada") == (302, "")
