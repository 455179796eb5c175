"""The page of weight files: what it says of each, and a button that asks the worker once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import Empty

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from avatar_engine.weights import LLM_SMALL
from avatar_engine.weights.lock import hold_fetch_lock
from avatar_engine.weights.progress import FetchProgress, ProgressFile
from mysite.celery import app
from tests.frontend.page_rules import INLINE

pytestmark = pytest.mark.django_db

NAME = LLM_SMALL.name
FETCH = f"/console/files/{NAME}/fetch/"
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:  # type: ignore[no-untyped-def]
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Client:
    client.force_login(admin_user)
    return client


@pytest.fixture
def broker() -> Iterator[None]:
    """The broker of the test run, empty."""
    list_sent()
    yield
    list_sent()


def list_sent() -> list[str]:
    """Names of the files that tasks in the broker ask for; takes the tasks out."""
    sent = []
    with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        while True:
            try:
                message = queue.get(block=False)
            except Empty:
                return sent
            message.ack()
            assert message.headers["task"] == "avatar_engine.tasks.fetch_weights"
            sent.append(message.payload[0][0])


def state_of(client: Client) -> dict[str, object]:
    files = client.get("/console/files/now/").json()["files"]
    return next(file for file in files if file["name"] == NAME)


def test_page_lists_the_manifest(staff: Client, folder: Path) -> None:
    response = staff.get("/console/files/")
    body = response.content.decode()
    assert NAME in body
    assert "491 MB" in body  # as `manage.py weights` counts
    assert "Apache-2.0" in body
    assert "The language model for a small machine" in body
    assert INLINE.search(response.content) is None


def test_first_press_asks_the_worker_and_the_second_does_nothing(staff: Client, folder: Path, broker: None) -> None:
    assert state_of(staff)["state"] == "missing"
    staff.post(FETCH, **JSON)
    staff.post(FETCH, **JSON)
    assert list_sent() == [NAME]
    assert (state_of(staff)["state"], state_of(staff)["may_ask"]) == ("asked", False)


def test_wish_that_nobody_took_up_may_be_repeated(staff: Client, folder: Path, broker: None) -> None:
    staff.post(FETCH, **JSON)
    os.utime(folder / f"{NAME}.asked", (1.0, 1.0))
    assert (state_of(staff)["state"], state_of(staff)["may_ask"]) == ("late", True)
    staff.post(FETCH, **JSON)
    assert list_sent() == [NAME, NAME]


def test_file_on_its_way_is_not_asked_for(staff: Client, folder: Path, broker: None) -> None:
    with hold_fetch_lock(folder, NAME):
        ProgressFile(folder)(FetchProgress(NAME, "fetching", 41, 100))
        state = state_of(staff)
        assert (state["state"], state["percent"], state["is_coming"]) == ("arriving", 41, True)
        staff.post(FETCH, **JSON)
    assert list_sent() == []


def test_failure_is_shown_with_its_reason(staff: Client, folder: Path) -> None:
    ProgressFile(folder)(FetchProgress(NAME, "failed", 41, 100, "no <network>"))
    assert state_of(staff)["error"] == "no <network>"
    assert "no &lt;network&gt;" in staff.get("/console/files/").content.decode()


def test_broker_that_is_away_is_said(staff: Client, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("avatar_engine.tasks.fetch_weights.apply_async", refuse)
    response = staff.post(FETCH, **JSON)
    assert (response.status_code, response.json()) == (422, {"reason": "no_worker"})
    assert state_of(staff)["state"] == "missing"
    assert staff.post(FETCH)["Location"] == "/console/files/"
    assert "The worker cannot be reached" in staff.get("/console/files/").content.decode()


def test_form_without_script_comes_back_to_the_page(staff: Client, folder: Path, broker: None) -> None:
    assert staff.post(FETCH)["Location"] == "/console/files/"


def test_unknown_file_is_a_404(staff: Client, folder: Path) -> None:
    assert staff.post("/console/files/nothing/fetch/").status_code == 404


def test_strangers_fetch_nothing(client: Client, folder: Path, broker: None) -> None:
    for path in ("/console/files/", "/console/files/now/"):
        assert client.get(path)["Location"].startswith("/console/login/")
    assert client.post(FETCH)["Location"].startswith("/console/login/")
    assert list_sent() == []


def test_fetch_is_a_post(staff: Client, folder: Path) -> None:
    assert staff.get(FETCH).status_code == 405
