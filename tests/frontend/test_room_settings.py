"""The form of a room: what it keeps, what it refuses and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from chat import services
from chat.models import Room
from tests.frontend.page_rules import INLINE

pytestmark = pytest.mark.django_db

EDIT = "/console/rooms/mira/edit/"
ENDPOINT = {"base_url": "https://models.example/v1", "model": "large", "key_env": "EXAMPLE_API_KEY"}


@pytest.fixture
def room() -> Room:
    return Room.objects.create(slug="mira", title="Mira", persona_name="Mira", width=512, height=512)


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Iterator[Client]:
    client.force_login(admin_user)
    return client


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    slugs: list[str] = []

    async def nudge(slug: str) -> None:
        slugs.append(slug)

    monkeypatch.setattr(services, "nudge_stages", nudge)
    return slugs


def fields(**changes: Any) -> dict[str, Any]:
    as_it_is = {
        **{"title": "Mira", "slug": "mira", "persona_name": "Mira", "language": "en", "is_listed": "on"},
        **{"idle_after_s": "90", "size": "square", "engine": "drawn", "voices": ["", "", ""], "llm": ""},
    }
    return {**as_it_is, **changes}


def test_every_setting_is_kept(staff: Client, room: Room) -> None:
    texts = {"description": "Talks.", "boundaries": "No advice.", "disclosure": "An AI.", "system_prompt": "Calm."}
    sent = fields(
        **texts,
        title="Ada, live",
        slug="ada",
        language="zh",
        is_listed="",
        idle_lines="One.\nTwo.",
        idle_after_s="30",
        size="tall",
        voices=["edge", "", "hibari"],
        llm=json.dumps([ENDPOINT]),
    )
    assert staff.post(EDIT, sent)["Location"] == "/console/rooms/ada/"
    room.refresh_from_db()
    assert {name: getattr(room, name) for name in texts} == texts
    assert (room.title, room.slug, room.language, room.is_listed) == ("Ada, live", "ada", "zh", False)
    assert (room.idle_lines, room.idle_after_s) == (["One.", "Two."], 30)
    assert (room.width, room.height, room.voices, room.llm) == (540, 960, ["edge", "hibari"], [ENDPOINT])


def test_form_shows_what_is_kept(staff: Client, room: Room) -> None:
    Room.objects.update(idle_lines=["One.", "<Two>."], voices=["edge"], llm=[ENDPOINT], language="zh")
    body = staff.get(EDIT).content.decode()
    assert "One.\n&lt;Two&gt;.</textarea>" in body
    assert "&quot;model&quot;: &quot;large&quot;" in body
    assert body.count('value="edge" selected') == 1
    assert 'value="square" selected' in body
    assert INLINE.search(body.encode()) is None


def test_saving_nudges_the_stage_and_says_so(staff: Client, room: Room, nudged: list[str]) -> None:
    staff.post(EDIT, fields(greeting="Hello!"))
    assert nudged == ["mira"]
    assert "Saved." in staff.get("/console/rooms/mira/").content.decode()


@pytest.mark.parametrize(
    ("change", "waits"),
    [({"greeting": "Hello!"}, False), ({"size": "wide"}, True), ({"voices": ["silence"]}, True)],
)
def test_what_waits_for_the_next_show_is_said(
    staff: Client, room: Room, nudged: list[str], change: dict[str, Any], waits: bool
) -> None:
    Room.objects.update(is_on_air=True)
    staff.post(EDIT, fields(**change))
    assert ("when the room is started again" in staff.get("/console/rooms/mira/").content.decode()) == waits


def test_other_order_of_voices_is_a_change(staff: Client, room: Room, nudged: list[str]) -> None:
    Room.objects.update(is_on_air=True, voices=["hibari", "edge"])
    staff.post(EDIT, fields(voices=["edge", "hibari", ""]))
    assert "when the room is started again" in staff.get("/console/rooms/mira/").content.decode()


def test_voice_with_options_is_shown_and_kept(staff: Client, room: Room) -> None:
    speech = {"voice": "http", "url": "http://127.0.0.1:5000/voice?a=1&b=2", "languages": "zh"}
    Room.objects.update(voices=[speech, "hibari"])
    assert staff.get(EDIT).content.decode().count("&quot;voice&quot;: &quot;http&quot;") > 1
    staff.post(EDIT, fields(voices=["hibari", json.dumps(speech, sort_keys=True), ""]))
    room.refresh_from_db()
    assert room.voices == ["hibari", speech]
    staff.post(EDIT, fields(voices=['{"voice": "http", "url": "http://elsewhere/"}']))
    room.refresh_from_db()
    assert room.voices == ["hibari", speech]


def test_odd_size_stays_until_another_is_chosen(staff: Client, room: Room) -> None:
    Room.objects.update(width=640, height=480)
    assert "Other, 640 × 480" in staff.get(EDIT).content.decode()
    staff.post(EDIT, fields(size="other"))
    room.refresh_from_db()
    assert (room.width, room.height) == (640, 480)


def test_named_size_offers_no_other(staff: Client, room: Room) -> None:
    assert 'value="other"' not in staff.get(EDIT).content.decode()
    assert staff.post(EDIT, fields(size="other")).status_code == 422


def test_address_stays_while_on_air(staff: Client, room: Room) -> None:
    Room.objects.update(is_on_air=True)
    staff.post(EDIT, fields(slug="elsewhere", title="New title"))
    room.refresh_from_db()
    assert (room.slug, room.title) == ("mira", "New title")


def test_what_the_stage_wrote_meanwhile_is_not_overwritten(
    staff: Client, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = services.change_room

    def change_late(found: Room, **columns: Any) -> None:
        Room.objects.update(is_on_air=True, generation=7, lease_owner="stage-1")
        save(found, **columns)

    monkeypatch.setattr(services, "change_room", change_late)
    staff.post(EDIT, fields(title="New title"))
    room.refresh_from_db()
    assert (room.title, room.is_on_air, room.generation, room.lease_owner) == ("New title", True, 7, "stage-1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"llm": "[{]"}, "not JSON: line 1, column 3"),
        ({"llm": '{"base_url": 1}'}, "must be a list"),
        ({"llm": json.dumps([{**ENDPOINT, "key_env": "sk-1234"}])}, "endpoint 1: key_env must be the name"),
        ({"llm": json.dumps([{**ENDPOINT, "base_url": "ftp://x"}])}, "endpoint 1: base_url must look like"),
        ({"voices": ["edge", "edge"]}, "Each voice can stand in the list once"),
        ({"voices": ["nobody"]}, "nobody is not one of the available choices"),
        ({"idle_after_s": "2"}, "greater than or equal to 10"),
        ({"engine": "none"}, "none is not one of the available choices"),
        ({"title": ""}, "required"),
    ],
)
def test_wrong_value_is_refused_in_clear_words(staff: Client, room: Room, change: dict[str, Any], words: str) -> None:
    response = staff.post(EDIT, fields(**{"greeting": "kept in the form", **change}))
    body = response.content.decode()
    assert response.status_code == 422
    assert words in body
    assert 'aria-invalid="true"' in body
    assert "kept in the form" in body
    room.refresh_from_db()
    assert (room.title, room.greeting) == ("Mira", "")


def test_refusal_is_in_the_language_of_the_reader(staff: Client, room: Room) -> None:
    body = staff.post(EDIT, fields(llm="{"), HTTP_ACCEPT_LANGUAGE="zh-CN").content.decode()
    assert "这不是 JSON" in body


def test_new_room_is_wide_unless_another_size_is_chosen(staff: Client) -> None:
    assert 'value="wide" selected' in staff.get("/console/new/").content.decode()
    assert 'value="other"' not in staff.get("/console/new/").content.decode()


def test_strangers_see_and_change_nothing(client: Client, room: Room) -> None:
    assert client.get(EDIT)["Location"].startswith("/console/login/")
    assert client.post(EDIT, fields(title="Mine"))["Location"].startswith("/console/login/")
    room.refresh_from_db()
    assert room.title == "Mira"


def test_room_that_is_not_there_is_a_404(staff: Client) -> None:
    assert staff.get("/console/rooms/nobody/edit/").status_code == 404
