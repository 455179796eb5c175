"""The page of avatars: what it says of each preparation, in both languages, and the button that tries again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client
from django.utils import timezone

from avatar_engine.models import Avatar, Preparation
from avatar_engine.prepare.reasons import Reason
from tests.frontend.page_rules import INLINE

pytestmark = pytest.mark.django_db

AGAIN = "/console/avatars/mia/again/"
JSON = {"HTTP_ACCEPT": "application/json"}
STATE = Preparation.State


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Client:
    client.force_login(admin_user)
    return client


def put(state: str, source: str = "/videos/<mia>.mp4", **fields: object) -> Preparation:
    avatar, _ = Avatar.objects.get_or_create(name="mia")
    return Preparation.objects.create(avatar=avatar, source_path=source, encoder="ave_footlight", state=state, **fields)


def build_report(*reasons: Reason) -> dict[str, object]:
    return {"figures": {"face_px": 64.2, "face_share": 0.91}, "reasons": [reason.to_json() for reason in reasons]}


REFUSED = build_report(Reason("small_face", True, {"px": 64, "least": 80}), Reason("hdr", False))


def test_refused_avatar_says_why_and_what_was_measured(staff: Client) -> None:
    put(STATE.REFUSED, report=REFUSED)
    response = staff.get("/console/avatars/")
    body = response.content.decode()
    assert "The face is 64 px wide, at least 80 px are wanted" in body
    assert body.index('data-refuses="true"') < body.index('data-refuses="false"')
    assert "91.0%" in body
    assert "&lt;mia&gt;.mp4" in body
    assert "no consent on record" in body
    assert INLINE.search(response.content) is None


def test_page_speaks_chinese(staff: Client) -> None:
    put(STATE.REFUSED, report=REFUSED)
    body = staff.get("/console/avatars/", HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
    assert "人脸宽 64 像素，至少需要 80 像素" in body
    assert "未被接受" in body


def test_page_without_avatars_says_so(staff: Client) -> None:
    assert "No avatars yet." in staff.get("/console/avatars/").content.decode()


def test_progress_is_told_as_json(staff: Client) -> None:
    put(STATE.RUNNING, step="faces", percent=61, lease_expires_at=timezone.now() + timedelta(minutes=1))
    (item,) = staff.get("/console/avatars/now/").json()["avatars"]
    assert item == {"name": "mia", "state": "running", "step": "faces", "percent": 61, "is_moving": True}


def test_preparation_whose_worker_is_silent_is_lost(staff: Client) -> None:
    put(STATE.RUNNING, step="faces", percent=61, lease_expires_at=timezone.now() - timedelta(minutes=1))
    (item,) = staff.get("/console/avatars/now/").json()["avatars"]
    assert (item["state"], item["is_moving"]) == ("lost", False)
    assert "Broke off" in staff.get("/console/avatars/").content.decode()


def test_only_the_latest_preparation_counts(staff: Client) -> None:
    put(STATE.FAILED, error="the disk was full")
    put(STATE.DONE, percent=100, report=build_report())
    assert [item["state"] for item in staff.get("/console/avatars/now/").json()["avatars"]] == ["done"]
    assert "the disk was full" not in staff.get("/console/avatars/").content.decode()


def test_failed_preparation_can_be_tried_again(staff: Client, tmp_path: Path) -> None:
    source = tmp_path / "mia.mp4"
    source.write_bytes(b"x")
    put(STATE.FAILED, str(source), error="the <disk> was full")
    assert "the &lt;disk&gt; was full" in staff.get("/console/avatars/").content.decode()
    assert staff.post(AGAIN)["Location"] == "/console/avatars/"
    assert staff.post(AGAIN, **JSON).json()["avatars"][0]["state"] == "waiting"
    assert Preparation.objects.count() == 2


def test_video_that_is_gone_is_said(staff: Client) -> None:
    put(STATE.REFUSED, "/videos/none.mp4", report=REFUSED)
    response = staff.post(AGAIN, **JSON)
    assert (response.status_code, response.json()) == (422, {"reason": "avatar_source_gone"})
    staff.post(AGAIN)
    assert "The video is no longer where it was." in staff.get("/console/avatars/").content.decode()


def test_unknown_avatar_is_a_404(staff: Client) -> None:
    assert staff.post("/console/avatars/none/again/").status_code == 404


def test_strangers_see_and_do_nothing(client: Client) -> None:
    put(STATE.REFUSED, report=REFUSED)
    for path in ("/console/avatars/", "/console/avatars/now/"):
        assert client.get(path)["Location"].startswith("/console/login/")
    assert client.post(AGAIN)["Location"].startswith("/console/login/")
    assert Preparation.objects.count() == 1


def test_trying_again_is_a_post(staff: Client) -> None:
    assert staff.get(AGAIN).status_code == 405
