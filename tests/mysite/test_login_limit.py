"""Nobody guesses passwords at the speed of a machine."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import AsyncClient, Client, RequestFactory
from django.urls import resolve

from mysite.login_limit import LOGIN_PACE, LoginLimitMiddleware

pytestmark = pytest.mark.django_db

LOGIN = "/console/login/"
WRONG = {"username": "admin", "password": "guess"}
RIGHT = {"username": "admin", "password": "password"}


def guess(client: Client, times: int, path: str = LOGIN, **extra: str) -> list[int]:
    return [client.post(path, WRONG, **extra).status_code for _ in range(times)]  # type: ignore[arg-type]


def test_address_that_guesses_is_refused_and_told_so(client: Client, admin_user: AbstractUser) -> None:
    assert guess(client, LOGIN_PACE.count) == [200] * LOGIN_PACE.count
    refused = client.post(LOGIN, RIGHT)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) == LOGIN_PACE.pause_s
    assert "There were too many attempts to log in from your address" in refused.content.decode()
    assert "sessionid" not in client.cookies
    assert client.get(LOGIN).status_code == 200, "pages are still there"


def test_tries_that_let_somebody_in_do_not_count(client: Client, admin_user: AbstractUser) -> None:
    for _ in range(LOGIN_PACE.count + 2):
        assert Client().post(LOGIN, RIGHT)["Location"] == "/console/"
    assert guess(client, LOGIN_PACE.count) == [200] * LOGIN_PACE.count
    assert guess(client, 1) == [429]


def test_admin_and_console_count_together(client: Client, admin_user: AbstractUser) -> None:
    guess(client, LOGIN_PACE.count // 2)
    guess(client, LOGIN_PACE.count - LOGIN_PACE.count // 2, "/admin/login/")
    assert guess(client, 1, "/admin/login/") == [429]


def test_other_address_logs_in_meanwhile(client: Client, admin_user: AbstractUser) -> None:
    assert guess(client, LOGIN_PACE.count + 1)[-1] == 429
    assert client.post(LOGIN, RIGHT, REMOTE_ADDR="10.0.0.9")["Location"] == "/console/"


def test_addresses_of_one_ipv6_site_count_as_one(client: Client, admin_user: AbstractUser) -> None:
    codes = [guess(client, 1, REMOTE_ADDR=f"2001:db8::{n}")[0] for n in range(1, LOGIN_PACE.count + 2)]
    assert codes[-1] == 429


async def test_server_in_one_loop_is_limited_as_well(async_client: AsyncClient) -> None:
    codes = [(await async_client.post(LOGIN, WRONG)).status_code for _ in range(LOGIN_PACE.count + 1)]
    assert codes == [200] * LOGIN_PACE.count + [429]


def test_post_of_another_site_uses_up_no_tries(admin_user: AbstractUser) -> None:
    client = Client(enforce_csrf_checks=True)
    assert set(guess(client, LOGIN_PACE.count + 5)) == {403}


def test_pause_ends() -> None:
    now = 0.0
    limit = LoginLimitMiddleware(lambda request: None, lambda: now)
    request = RequestFactory().post(LOGIN)
    request.resolver_match = resolve(LOGIN)
    for _ in range(LOGIN_PACE.count):
        assert limit.process_view(request, None, None, None) is None
    assert limit.process_view(request, None, None, None) is not None
    now = LOGIN_PACE.pause_s + LOGIN_PACE.window_s
    assert limit.process_view(request, None, None, None) is None
