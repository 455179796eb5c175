"""Rows of preparations: ordered, taken by one worker, kept by a lease, ended with a report; the command and task."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from avatar_engine import selectors, services, tasks
from avatar_engine.errors import PreparationError
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.management import preparation_run
from avatar_engine.management.preparation_run import RowProgress, is_abandoned, name_worker
from avatar_engine.models import Avatar, Preparation
from avatar_engine.prepare.avatar import Progress
from avatar_engine.prepare.work import hold_work
from mysite.celery import app
from tests.support.face_weights import link_face_weights

pytestmark = pytest.mark.django_db

STATE = Preparation.State


@pytest.fixture
def data(tmp_path: Path, settings) -> Path:  # type: ignore[no-untyped-def]
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    return tmp_path


def order(name: str = "mia", source: str = "/videos/mia.mp4") -> Preparation:
    return services.order_preparation(name, Path(source), "ave_footlight")


def claim(preparation: Preparation, owner: str = "w1") -> Preparation:
    claimed = services.claim_preparation(preparation.pk, owner)
    assert claimed is not None
    return claimed


def let_lease_run_out(preparation: Preparation) -> None:
    Preparation.objects.filter(pk=preparation.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("prepare_avatar", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_order_waits_and_is_not_doubled() -> None:
    first = order()
    assert (first.state, first.avatar.name) == (STATE.WAITING, "mia")
    assert order().pk == first.pk
    with pytest.raises(PreparationError, match=r"mia\.mp4"):
        order(source="/videos/other.mp4")
    assert Preparation.objects.count() == Avatar.objects.count() == 1


@pytest.mark.parametrize("name", ["", "../mia", "Mia", "a b"])
def test_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(PreparationError):
        order(name)
    assert not Avatar.objects.exists()


def test_one_worker_takes_a_row() -> None:
    preparation = order()
    taken = claim(preparation)
    assert (taken.state, taken.lease_owner, taken.attempts) == (STATE.RUNNING, "w1", 1)
    assert services.claim_preparation(preparation.pk, "w2") is None
    assert not selectors.list_due_preparations(timezone.now()).exists()


def test_row_of_a_dead_worker_is_due_again() -> None:
    preparation = claim(order())
    let_lease_run_out(preparation)
    assert list(selectors.list_due_preparations(timezone.now())) == [preparation]
    assert claim(preparation, "w2").attempts == 2


def test_progress_keeps_the_lease_and_is_not_written_for_every_frame(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    preparation = claim(order())
    let_lease_run_out(preparation)
    now_s = [0.0]
    said: list[Progress] = []
    keep = RowProgress(preparation, said.append, lambda: now_s[0])
    with django_assert_num_queries(1):
        for _ in range(50):
            keep(Progress("faces", 60))
    preparation.refresh_from_db()
    assert (preparation.step, preparation.percent, len(said)) == ("faces", 60, 50)
    assert selectors.is_preparing(timezone.now())
    now_s[0] = 3.0
    keep(Progress("faces", 61))
    preparation.refresh_from_db()
    assert preparation.percent == 61


def test_source_that_kills_its_workers_is_given_up(data: Path) -> None:
    preparation = order()
    for _ in range(preparation_run.MOST_ATTEMPTS):
        let_lease_run_out(claim(preparation))
    with pytest.raises(PreparationError, match="died 3 times"):
        preparation_run.run_preparation(claim(preparation), data, lambda _: None)
    preparation.refresh_from_db()
    assert preparation.state == STATE.FAILED


def test_row_left_by_a_killed_process_of_this_machine_is_known(data: Path) -> None:
    preparation = claim(order(), name_worker())
    assert is_abandoned(preparation, data)
    with hold_work(AvatarFolder(data / "avatars" / "mia")):
        assert not is_abandoned(preparation, data)
    preparation.lease_owner = "another-machine:12"
    assert not is_abandoned(preparation, data)


def test_command_prepares_and_the_row_says_so(data: Path, shared: Path, speaker_path: Path) -> None:
    link_face_weights(shared, data / "weights")
    said = run(str(speaker_path), "--name", "mia", "--consent-by", "Mia Maker", "--consent-scope", "tests")
    assert "mia: ready, 3.0 s of 360x288, face 10" in said
    assert "note: the face is 10" in said
    preparation = Preparation.objects.get()
    assert (preparation.state, preparation.percent, preparation.report["accepted"]) == (STATE.DONE, 100, True)
    assert AvatarFolder(data / "avatars" / "mia").is_complete
    avatar = Avatar.objects.get()
    assert (avatar.consent_by, avatar.consent_scope) == ("Mia Maker", "tests")
    assert avatar.consent_at is not None
    assert avatar.consent_sha256 == AvatarFolder(data / "avatars" / "mia").read_info().source_sha256


def test_command_says_why_it_refuses(data: Path, shared: Path, tmp_path: Path) -> None:
    link_face_weights(shared, data / "weights")
    (tmp_path / "a.mp4").write_text("this is no video")
    with pytest.raises(CommandError, match="this is not a video that can be read"):
        run(str(tmp_path / "a.mp4"), "--name", "mia")
    preparation = Preparation.objects.get()
    assert preparation.state == STATE.REFUSED
    assert preparation.report["reasons"][0]["code"] == "not_a_video"
    assert not (data / "avatars" / "mia").exists()


@pytest.mark.parametrize("arguments", [[], ["video.mp4"], ["--name", "mia"]])
def test_command_wants_video_and_name(arguments: list[str], data: Path) -> None:
    with pytest.raises(CommandError, match="which VIDEO"):
        run(*arguments)


def test_defect_ends_the_row_and_is_not_hidden(data: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link_face_weights(shared, data / "weights")

    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(preparation_run, "prepare_avatar", break_down)
    with pytest.raises(ZeroDivisionError):
        preparation_run.run_preparation(claim(order()), data, lambda _: None)
    assert Preparation.objects.get().state == STATE.FAILED


def test_queue_leaves_it_to_the_worker_and_due_does_all_of_them(data: Path, shared: Path, tmp_path: Path) -> None:
    link_face_weights(shared, data / "weights")
    for name in ("one", "two"):
        (tmp_path / name).write_text("this is no video")
        assert "waits for the worker" in run(str(tmp_path / name), "--name", name, "--queue")
    assert set(Preparation.objects.values_list("state", flat=True)) == {STATE.WAITING}
    said = run("--due")
    assert "one: refused" in said
    assert "two: refused" in said
    assert set(Preparation.objects.values_list("state", flat=True)) == {STATE.REFUSED}


def test_worker_starts_one_process_for_what_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(tasks.subprocess, "Popen", lambda command, **_: started.append(command))
    tasks.prepare_avatars()
    assert started == []
    waiting = order()
    tasks.prepare_avatars()
    assert started[0][-2:] == ["prepare_avatar", "--due"]
    claim(waiting)
    order("zoe", "/videos/zoe.mp4")
    tasks.prepare_avatars()
    assert len(started) == 1  # the process that is at work takes it up, or the next round does


def test_worker_and_clock_know_the_task(settings) -> None:  # type: ignore[no-untyped-def]
    app.loader.import_default_modules()
    named = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert "avatar_engine.tasks.prepare_avatars" in named & set(app.tasks)


def test_ended_preparation_can_be_ordered_again() -> None:
    preparation = claim(order())
    services.end_preparation(preparation, STATE.FAILED, error="no disk")
    again = services.order_again(preparation)
    assert (again.pk, again.state, again.source_path) != (preparation.pk, STATE.FAILED, "")
    assert selectors.list_latest_preparations() == [again]


def test_admin_shows_avatars_and_takes_consent(admin_client) -> None:  # type: ignore[no-untyped-def]
    preparation = order()
    for path in ("avatar/", f"avatar/{preparation.avatar_id}/change/", "preparation/"):
        assert admin_client.get(f"/admin/avatar_engine/{path}").status_code == 200
    form = {"consent_by": "Mia Maker", "consent_scope": "this site", "consent_at_0": "", "consent_at_1": ""}
    admin_client.post(f"/admin/avatar_engine/avatar/{preparation.avatar_id}/change/", form)
    assert Avatar.objects.get().consent_by == "Mia Maker"
    assert admin_client.get("/admin/avatar_engine/preparation/add/").status_code == 403
