"""The console is for staff, shows what was said, and changes rooms by POST alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from chat.models import Message, Room, Sentence, Turn, Viewer
from tests.frontend.page_rules import INLINE

pytestmark = pytest.mark.django_db

JSON = {"HTTP_ACCEPT": "application/json"}
CHANGES = ("start", "stop", "say", "interrupt")


@pytest.fixture
def room() -> Room:
    return Room.objects.create(slug="mira", title="Mira <live>", persona_name="Mira", is_on_air=True)


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Iterator[Client]:
    client.force_login(admin_user)
    return client


@pytest.fixture
def turn(room: Room) -> Turn:
    viewer = Viewer.objects.create(token_hash="x")
    message = Message.objects.create(
        room=room,
        viewer=viewer,
        display_name="Leo",
        client_id="1",
        text="who are <you>?",
        received_at="2026-01-01T00:00Z",
    )
    turn = Turn.objects.create(
        room=room,
        kind="viewer",
        state="interrupted",
        message=message,
        prompt=[{"role": "system", "content": "You are <Mira>."}],
        model_name="small-model",
        voice_name="hibari",
        stamps={"received": 100.0, "accepted": 100.02, "first_token": 100.7, "displayed": 101.2},
        happened=[{"what": "voice", "reason": "offline"}],
    )
    Sentence.objects.create(turn=turn, index=0, text="I am Mira.", state="cut", heard="I am")
    return turn


def test_console_pages_hold_nothing_that_the_policy_forbids(staff: Client, turn: Turn) -> None:
    for path in (
        "/console/",
        "/console/new/",
        "/console/files/",
        "/console/rooms/mira/",
        "/console/rooms/mira/edit/",
        f"/console/turns/{turn.pk}/",
    ):
        response = staff.get(path)
        assert response.status_code == 200
        assert INLINE.search(response.content) is None


@pytest.mark.parametrize("path", ["", "new/", "rooms/mira/", "rooms/mira/now/", "turns/1/"])
def test_console_sends_strangers_to_the_login_page(client: Client, room: Room, path: str) -> None:
    response = client.get(f"/console/{path}")
    assert response.status_code == 302
    assert response["Location"].startswith("/console/login/?next=")


@pytest.mark.parametrize("change", CHANGES)
def test_strangers_change_nothing(client: Client, room: Room, change: str) -> None:
    response = client.post(f"/console/rooms/mira/{change}/", {"text": "hi"})
    assert response["Location"].startswith("/console/login/")
    room.refresh_from_db()
    assert (room.is_on_air, room.generation, Turn.objects.count()) == (True, 0, 0)


def test_accounts_without_the_staff_flag_are_forbidden(client: Client, django_user_model: type[AbstractUser]) -> None:
    client.force_login(django_user_model.objects.create_user("visitor"))
    assert client.get("/console/").status_code == 403


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_posts(staff: Client, room: Room, change: str) -> None:
    assert staff.get(f"/console/rooms/mira/{change}/").status_code == 405


def test_changes_need_a_token(room: Room, admin_user: AbstractUser) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post("/console/rooms/mira/stop/").status_code == 403
    room.refresh_from_db()
    assert room.is_on_air


def test_login_opens_the_console(client: Client, admin_user: AbstractUser) -> None:
    admin_user.set_password("a long password")
    admin_user.save()
    response = client.post("/console/login/", {"username": admin_user.get_username(), "password": "a long password"})
    assert response["Location"] == "/console/"


def test_wrong_password_says_so_and_keeps_the_name(client: Client, admin_user: AbstractUser) -> None:
    body = client.post("/console/login/", {"username": "admin", "password": "no"}).content.decode()
    assert "do not match" in body
    assert 'value="admin"' in body


def test_logout_is_a_post(staff: Client) -> None:
    assert staff.get("/console/logout/").status_code == 405
    assert staff.post("/console/logout/").status_code == 302
    assert staff.get("/console/").status_code == 302


def test_list_says_who_is_on_air_and_how_many_watch(staff: Client, room: Room) -> None:
    Room.objects.create(slug="asleep", title="Asleep")
    body = staff.get("/console/").content.decode()
    assert body.count('data-testid="viewer-count"') == 2
    assert body.index("Off air") < body.index("On air")  # by title
    assert 'href="/console/rooms/asleep/edit/"' in body


def test_operator_changes_the_password_where_the_menu_leads(staff: Client, admin_user: AbstractUser) -> None:
    admin_user.set_password("the printed one")
    admin_user.save()
    staff.login(username=admin_user.get_username(), password="the printed one")
    assert 'href="/admin/password_change/"' in staff.get("/console/").content.decode()
    assert staff.get("/admin/password_change/").status_code == 200
    new = {"new_password1": "a-much-longer-one", "new_password2": "a-much-longer-one"}
    staff.post("/admin/password_change/", {"old_password": "the printed one", **new})
    admin_user.refresh_from_db()
    assert admin_user.check_password("a-much-longer-one")
    assert staff.get("/console/").status_code == 200  # still logged in


def test_room_goes_off_air_and_on_again(staff: Client, room: Room) -> None:
    assert staff.post("/console/rooms/mira/stop/", **JSON).json()["state"] == "off_air"
    assert staff.post("/console/rooms/mira/start/", **JSON).json()["on_air"] is True
    response = staff.post("/console/rooms/mira/stop/", {"from": "rooms"})
    assert response["Location"] == "/console/"
    room.refresh_from_db()
    assert not room.is_on_air


def test_operators_line_becomes_a_turn(staff: Client, room: Room) -> None:
    now = staff.post("/console/rooms/mira/say/", {"text": " Good evening. "}, **JSON).json()
    assert Turn.objects.get().text == "Good evening."
    assert [turn["kind"] for turn in now["turns"]] == ["operator"]


def test_empty_line_is_refused_with_its_reason(staff: Client, room: Room) -> None:
    response = staff.post("/console/rooms/mira/say/", {"text": "  "}, **JSON)
    assert (response.status_code, response.json()) == (422, {"reason": "empty"})
    assert Turn.objects.count() == 0


def test_interrupt_raises_the_generation(staff: Client, room: Room) -> None:
    assert staff.post("/console/rooms/mira/interrupt/")["Location"] == "/console/rooms/mira/"
    room.refresh_from_db()
    assert room.generation == 1


def test_new_room_is_made_from_the_form(staff: Client) -> None:
    fields = {"title": "Evening", "slug": "evening", "persona_name": "Ada", "language": "zh", "size": "tall"}
    response = staff.post("/console/new/", {**fields, "idle_lines": "One.\n\n  Two. \n"})
    assert response["Location"] == "/console/rooms/evening/"
    made = Room.objects.get(slug="evening")
    assert (made.title, made.persona_name, made.language) == ("Evening", "Ada", "zh")
    assert made.idle_lines == ["One.", "Two."]
    assert (made.width, made.height) == (540, 960)
    assert not made.is_on_air


def test_taken_address_comes_back_with_the_form(staff: Client, room: Room) -> None:
    response = staff.post("/console/new/", {"title": "Again", "slug": "mira", "persona_name": "A", "language": "en"})
    assert response.status_code == 422
    assert b'aria-invalid="true"' in response.content
    assert b'value="Again"' in response.content


def test_room_without_a_stage_is_starting(staff: Client, room: Room) -> None:
    assert staff.get("/console/rooms/mira/now/").json()["state"] == "starting"


def test_turn_page_shows_prompt_sentences_and_times_and_escapes_them(staff: Client, turn: Turn) -> None:
    body = staff.get(f"/console/turns/{turn.pk}/").content.decode()
    assert "You are &lt;Mira&gt;." in body
    assert "who are &lt;you&gt;?" in body
    assert "small-model" in body
    assert "+680 ms" in body
    assert "1200 ms" in body
    assert 'data-sentence-state="cut"' in body


def test_unknown_turn_is_a_404(staff: Client) -> None:
    assert staff.get("/console/turns/99/").status_code == 404
