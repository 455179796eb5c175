"""The Django admin cannot leave a room that no stage or render could put on air."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict
from django.test import Client
from django.utils import timezone

from chat import services
from chat.models import Room

pytestmark = pytest.mark.django_db


@pytest.fixture
def room() -> Room:
    return Room.objects.create(slug="mira", title="Mira", is_on_air=True, lease_owner="stage-1", generation=3)


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Client:
    client.force_login(admin_user)
    return client


def post(client: Client, room: Room, **changes: Any) -> Any:
    """Save the room's form as the admin shows it, with these changes."""
    url = f"/admin/chat/room/{room.pk}/change/"
    form = client.get(url).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields}
    return client.post(
        url, {**{name: value for name, value in fields.items() if value not in (None, False)}, **changes}
    )


def test_change_is_saved_and_leaves_what_a_stage_wrote_meanwhile(staff: Client, room: Room) -> None:
    url = f"/admin/chat/room/{room.pk}/change/"
    form = staff.get(url).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    later = timezone.now()
    Room.objects.filter(pk=room.pk).update(generation=9, lease_owner="stage-2", lease_expires_at=later)
    given = {**fields, "title": "Mira tonight", "generation": 1, "lease_owner": "", "is_on_air": ""}
    assert staff.post(url, given).status_code == 302
    room.refresh_from_db()
    assert (room.title, room.generation, room.lease_owner) == ("Mira tonight", 9, "stage-2")
    assert (room.lease_expires_at, room.is_on_air) == (later, True)


def test_slug_is_fixed_while_the_room_is_on_air(staff: Client, room: Room) -> None:
    assert post(staff, room, slug="other", title="New").status_code == 302
    room.refresh_from_db()
    assert (room.slug, room.title) == ("mira", "New")
    Room.objects.filter(pk=room.pk).update(is_on_air=False)
    assert post(staff, room, slug="other").status_code == 302
    room.refresh_from_db()
    assert room.slug == "other"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"width": "961"}, "must be an even number of pixels"),
        ({"height": "541"}, "must be an even number of pixels"),
        ({"height": "64"}, "greater than or equal to 128"),
        ({"engine": "hologram"}, "there is no engine &#x27;hologram&#x27;; there are drawn"),
        ({"voices": '["parrot"]'}, "no voice is called &#x27;parrot&#x27;"),
        ({"voices": '{"voice": "hibari"}'}, "the voices must be a list"),
        ({"voices": "[3]"}, "voice 1: must be a name"),
        ({"llm": '[{"base_url": "https://x/v1"}]'}, "endpoint 1: model must be a text"),
        ({"llm": '"gpt"'}, "the endpoints must be a list"),
        ({"idle_lines": '["", 3]'}, "must be a list of texts"),
        ({"idle_lines": '"Hello"'}, "must be a list of texts"),
    ],
)
def test_what_nothing_could_put_on_air_is_refused(
    staff: Client, room: Room, changes: dict[str, str], fault: str
) -> None:
    before = model_to_dict(room)
    response = post(staff, room, **changes)
    assert response.status_code == 200
    assert fault in response.content.decode()
    room.refresh_from_db()
    assert model_to_dict(room) == before


def test_empty_boxes_are_empty_lists(staff: Client, room: Room) -> None:
    assert post(staff, room, voices="", llm="", idle_lines="").status_code == 302
    room.refresh_from_db()
    assert (room.voices, room.llm, room.idle_lines) == ([], [], [])


def test_new_room_is_checked_too(staff: Client) -> None:
    fields = {"slug": "new", "title": "New", "language": "en", "persona_name": "Mira", "engine": "drawn"}
    fields |= {"idle_after_s": "90", "avatar_seed": "1", "width": "960", "height": "540", "max_waiting": "20"}
    assert staff.post("/admin/chat/room/add/", {**fields, "width": "959"}).status_code == 200
    assert staff.post("/admin/chat/room/add/", fields).status_code == 302
    assert Room.objects.get().voices == []


def test_services_refuse_the_same(room: Room) -> None:
    with pytest.raises(ValidationError, match="even number"):
        services.change_room(room, width=961)
    with pytest.raises(ValidationError, match="no voice is called"):
        services.create_room(slug="b", title="B", voices=["parrot"])
