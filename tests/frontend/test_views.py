"""The public pages answer with the right status, language, cookies and headers."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.test import Client, RequestFactory

from chat.consumers import VIEWER_COOKIE
from chat.models import Room, Viewer
from chat.services import VIEWER_TOKEN
from frontend import views
from frontend.pages import errors
from tests.frontend.page_rules import INLINE

pytestmark = pytest.mark.django_db


@pytest.fixture
def room() -> Room:
    return Room.objects.create(slug="mira", title="Mira <live>", persona_name="Mira", is_on_air=True)


def test_front_page_lists_rooms_and_escapes_their_names(client: Client, room: Room) -> None:
    Room.objects.create(slug="hidden", title="Not for all", is_listed=False)
    body = client.get("/").content.decode()
    assert "Mira &lt;live&gt;" in body
    assert 'href="/r/mira/"' in body
    assert "Not for all" not in body


def test_rooms_on_air_come_first(client: Client, room: Room) -> None:
    Room.objects.create(slug="asleep", title="Asleep")
    body = client.get("/").content.decode()
    assert body.index("/r/mira/") < body.index("/r/asleep/")


class CountingRelay:
    """Stands for the media hub of the web process."""

    def viewer_count(self, slug: str) -> int:
        return {"mira": 12}.get(slug, 0)


def test_front_page_says_how_many_watch_the_rooms_on_air(rf: RequestFactory, room: Room) -> None:
    Room.objects.create(slug="asleep", title="Asleep")
    request = rf.get("/", HTTP_ACCEPT_LANGUAGE="en")
    request.user = AnonymousUser()
    request.scope = {"footlight.relay": CountingRelay()}
    body = views.rooms(request).content.decode()
    assert body.count('data-testid="viewer-count"') == 1
    assert "12 watching" in body


def test_nobody_watches_where_there_is_no_hub(client: Client, room: Room) -> None:
    assert "0 watching" in client.get("/").content.decode()


def test_front_page_without_rooms_says_so(client: Client) -> None:
    assert "No rooms yet" in client.get("/").content.decode()


def test_room_page_names_both_sockets_and_every_test_handle(client: Client, room: Room) -> None:
    body = client.get("/r/mira/").content.decode()
    assert 'data-media-socket="/ws/rooms/mira/media/"' in body
    assert 'data-chat-socket="/ws/rooms/mira/chat/"' in body
    for handle in ("player", "chat-input", "chat-send", "chat-log", "captions", "viewer-count", "room-state"):
        assert f'data-testid="{handle}"' in body


def test_unknown_room_is_a_404(client: Client) -> None:
    assert client.get("/r/nobody/").status_code == 404


def test_first_visit_gives_a_cookie_and_writes_no_row(client: Client, room: Room) -> None:
    cookie = client.get("/r/mira/").cookies[VIEWER_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert VIEWER_TOKEN.fullmatch(cookie.value)
    assert Viewer.objects.count() == 0


def test_second_visit_keeps_the_cookie(client: Client, room: Room) -> None:
    client.get("/r/mira/")
    assert VIEWER_COOKIE not in client.get("/r/mira/").cookies


def test_front_page_sets_no_viewer_cookie(client: Client, room: Room) -> None:
    assert VIEWER_COOKIE not in client.get("/").cookies


@pytest.mark.parametrize(
    ("accepts", "lang", "text"), [("zh-CN,zh;q=0.9", "zh-Hans", "舞台上"), ("de,en", "en", "On stage")]
)
def test_language_follows_the_browser(client: Client, accepts: str, lang: str, text: str) -> None:
    body = client.get("/", HTTP_ACCEPT_LANGUAGE=accepts).content.decode()
    assert f'<html lang="{lang}"' in body
    assert text in body


def test_language_switch_wins_over_the_browser_and_comes_back(client: Client) -> None:
    response = client.post("/language/", {"language": "zh-hans", "next": "/"})
    assert (response.status_code, response["Location"]) == (302, "/")
    assert "舞台上" in client.get("/", HTTP_ACCEPT_LANGUAGE="en").content.decode()


def test_language_switch_leads_to_no_other_site(client: Client) -> None:
    response = client.post("/language/", {"language": "en", "next": "https://elsewhere.example/"})
    assert "elsewhere" not in response["Location"]


@pytest.mark.parametrize("path", ["/", "/r/mira/", "/console/login/"])
def test_public_pages_hold_nothing_that_the_policy_forbids(client: Client, room: Room, path: str) -> None:
    response = client.get(path)
    assert INLINE.search(response.content) is None
    assert "script-src 'self'" in response["Content-Security-Policy"]


def test_error_pages_have_their_status_and_the_sites_look(rf: RequestFactory) -> None:
    request = rf.get("/nothing/", HTTP_ACCEPT_LANGUAGE="en")
    for response, status in (
        (errors.bad_request(request), 400),
        (errors.forbidden(request), 403),
        (errors.not_found(request, Http404()), 404),
        (errors.broken(request), 500),
        (errors.stale_form(request), 403),
    ):
        assert response.status_code == status
        assert b'class="wordmark"' in response.content
        assert INLINE.search(response.content) is None
