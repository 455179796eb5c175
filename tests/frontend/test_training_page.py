"""The page of one avatar's training: what it says, and that its buttons reach the worker once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import Empty

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from avatar_engine import training_desk
from avatar_engine.lipsync.synctalk_2d.training.journal import Journal, hold_training
from mysite.celery import app
from tests.frontend.page_rules import INLINE

pytestmark = pytest.mark.django_db

PAGE = "/console/avatars/ada/training/"
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def avatar(tmp_path: Path, settings) -> Path:  # type: ignore[no-untyped-def]
    """A prepared avatar as far as this page looks: complete, with sound."""
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    folder = tmp_path / "avatars" / "ada"
    folder.mkdir(parents=True)
    (folder / "avatar.json").write_text("{}")
    (folder / "audio.wav").write_bytes(b"RIFF")
    return folder


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Client:
    client.force_login(admin_user)
    return client


@pytest.fixture
def broker() -> Iterator[None]:
    list_sent()
    yield
    list_sent()


def list_sent() -> list[str]:
    """Names of the tasks in the broker; takes them out."""
    sent = []
    with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        while True:
            try:
                message = queue.get(block=False)
            except Empty:
                return sent
            message.ack()
            sent.append(message.headers["task"])


def now(client: Client) -> dict[str, object]:
    return client.get(f"{PAGE}now/").json()


def learn(avatar: Path, steps: int = 600) -> Journal:
    journal = Journal(avatar / "train")
    for step in range(10, steps + 1, 10):
        journal.log("unet", step, {"loss": 1 / step, "difference": 0.5 / step, "batch": 8})
        if step % 100 == 0:
            journal.log("unet", step, {"psnr_db": 20 + step / 100, "mouth_psnr_db": 18 + step / 100})
    journal.say("unet", step=steps, steps=1000, seconds_per_step=0.5, best=26.0, best_step=600, batch=8)
    return journal


def test_page_of_an_avatar_that_was_never_trained_offers_to_begin(staff: Client, avatar: Path) -> None:
    response = staff.get(PAGE)
    body = response.content.decode()
    assert "Training of ada" in body
    assert "Not trained yet" in body
    assert INLINE.search(response.content) is None
    assert (now(staff)["state"], now(staff)["may_start"], now(staff)["may_stop"]) == ("none", True, False)


def test_first_press_asks_the_worker_and_the_second_does_nothing(staff: Client, avatar: Path, broker: None) -> None:
    for _ in range(2):
        answer = staff.post(f"{PAGE}start/", {"net": "narrow"}, **JSON).json()
    assert list_sent() == ["avatar_engine.tasks.train_avatars"]
    assert (answer["state"], answer["may_start"], answer["may_stop"]) == ("asked", False, True)
    assert training_desk.read_wish(avatar) == {"net": "narrow"}


def test_stop_before_it_began_forgets_the_wish(staff: Client, avatar: Path, broker: None) -> None:
    staff.post(f"{PAGE}start/", {"net": "narrow"}, **JSON)
    assert staff.post(f"{PAGE}stop/", **JSON).json()["state"] == "none"
    assert list(training_desk.list_wishes(avatar.parent)) == []


def test_running_training_shows_its_numbers_and_curves(staff: Client, avatar: Path) -> None:
    learn(avatar)
    with hold_training(avatar / "train"):
        answer = now(staff)
        assert (answer["state"], answer["step"], answer["steps"], answer["seconds_left"]) == ("unet", 600, 1000, 200.0)
        assert answer["curves"]["unet"]["psnr_db"][-1] == [600, 26.0]  # type: ignore[index]
        assert staff.post(f"{PAGE}stop/", **JSON).json()["state"] == "stopping"
        assert (avatar / "train" / "stop").exists()


def test_long_curve_is_thinned(staff: Client, avatar: Path) -> None:
    learn(avatar, 10_000)
    points = now(staff)["curves"]["unet"]["loss"]  # type: ignore[index]
    assert 150 < len(points) <= training_desk.CURVE_POINTS
    assert points[-1][0] == 10_000
    assert points[0][1] > points[-1][1]


def test_training_that_died_broke_off(staff: Client, avatar: Path) -> None:
    learn(avatar)
    assert (now(staff)["state"], now(staff)["may_start"]) == ("broken_off", True)


def test_failure_is_shown_with_its_reason(staff: Client, avatar: Path) -> None:
    learn(avatar).turn("failed", "the disk is <full>")
    assert now(staff)["error"] == "the disk is <full>"
    assert "the disk is &lt;full&gt;" in staff.get(PAGE).content.decode()


def test_wish_that_nobody_took_up_is_late(avatar: Path) -> None:
    training_desk.ask_training(avatar, "160")
    wish = avatar / "train" / "asked.json"
    late = wish.stat().st_mtime + training_desk.LATE_S
    assert training_desk.read_status(avatar, lambda: late).view == "late"


def test_start_that_gets_nowhere_is_given_up(avatar: Path) -> None:
    training_desk.ask_training(avatar, "160")
    assert [training_desk.count_start(avatar) for _ in range(4)] == [True, True, True, False]
    assert list(training_desk.list_wishes(avatar.parent)) == []


def test_start_that_gets_on_counts_anew(avatar: Path) -> None:
    training_desk.ask_training(avatar, "160")
    journal = Journal(avatar / "train")
    for step in range(0, 500, 100):
        journal.say("unet", step=step, steps=1000)
        assert training_desk.count_start(avatar)


def test_sheet_of_pictures_is_shown(staff: Client, client: Client, avatar: Path) -> None:
    samples = avatar / "train" / "samples"
    samples.mkdir(parents=True)
    (samples / "step_00000500.jpg").write_bytes(b"\xff\xd8\xff")
    assert now(staff)["samples"] == [500]
    response = staff.get(f"{PAGE}samples/500/")
    assert (response.status_code, response["Content-Type"], response.content) == (200, "image/jpeg", b"\xff\xd8\xff")
    assert staff.get(f"{PAGE}samples/501/").status_code == 404
    assert f"{PAGE}samples/500/" in staff.get(PAGE).content.decode()


def test_net_of_a_training_that_was_begun_is_settled(staff: Client, avatar: Path) -> None:
    from avatar_engine.lipsync.synctalk_2d.training.options import choose_options

    (avatar / "train").mkdir()
    (avatar / "train" / "options.json").write_text(json.dumps(choose_options("narrow", "cpu").to_json()))
    assert '<input type="hidden" name="net" value="narrow">' in staff.get(PAGE).content.decode()


def test_avatar_without_speech_cannot_be_trained(staff: Client, avatar: Path, broker: None) -> None:
    (avatar / "audio.wav").unlink()
    response = staff.post(f"{PAGE}start/", {"net": "328"}, **JSON)
    assert (response.status_code, response.json()) == (422, {"reason": "training_silent"})
    assert list_sent() == []


def test_unknown_net_is_refused(staff: Client, avatar: Path, broker: None) -> None:
    assert staff.post(f"{PAGE}start/", {"net": "huge"}, **JSON).status_code == 422
    assert list_sent() == []


def test_broker_that_is_away_is_said(staff: Client, avatar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("avatar_engine.tasks.train_avatars.apply_async", refuse)
    response = staff.post(f"{PAGE}start/", {"net": "328"}, **JSON)
    assert (response.status_code, response.json()) == (422, {"reason": "no_worker"})
    assert now(staff)["state"] == "none"


def test_form_without_script_comes_back_to_the_page(staff: Client, avatar: Path, broker: None) -> None:
    assert staff.post(f"{PAGE}start/", {"net": "328"})["Location"] == PAGE


def test_strangers_see_and_do_nothing(client: Client, avatar: Path, broker: None) -> None:
    for path in (PAGE, f"{PAGE}now/", f"{PAGE}samples/1/"):
        assert client.get(path)["Location"].startswith("/console/login/")
    for path in (f"{PAGE}start/", f"{PAGE}stop/"):
        assert client.post(path)["Location"].startswith("/console/login/")
    assert list_sent() == []
    assert not (avatar / "train").exists()


def test_accounts_that_are_no_operators_are_refused(client: Client, avatar: Path, django_user_model) -> None:  # type: ignore[no-untyped-def]
    client.force_login(django_user_model.objects.create_user("viewer", password="x" * 12))
    assert client.get(PAGE).status_code == 403
    assert client.post(f"{PAGE}start/").status_code == 403


@pytest.mark.parametrize("name", ["nobody", "..", "Ada", "%2e%2e"])
def test_unknown_avatar_is_a_404(staff: Client, avatar: Path, name: str) -> None:
    assert staff.get(f"/console/avatars/{name}/training/").status_code == 404


def test_worker_starts_a_process_for_each_wish_and_none_for_what_runs(
    avatar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avatar_engine import tasks

    started: list[list[str]] = []
    monkeypatch.setattr("avatar_engine.tasks.subprocess.Popen", lambda command, **_: started.append(command))
    tasks.train_avatars()
    assert started == []
    training_desk.ask_training(avatar, "narrow")
    with hold_training(avatar / "train"):
        tasks.train_avatars()
    assert started == []
    tasks.train_avatars()
    assert [command[2:] for command in started] == [["train_avatar", "ada", "--wished", "--parent", str(os.getpid())]]
