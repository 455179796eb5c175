"""The page that tries voices: for staff, passes each wish to the worker once, and plays what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import Empty

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from avatar_engine.tasks import try_voice
from avatar_engine.voice.trial_folder import MOST_TEXT, TrialFolder
from chat.models import Room
from mysite.celery import app
from tests.frontend.page_rules import INLINE

pytestmark = pytest.mark.django_db

JSON = {"HTTP_ACCEPT": "application/json"}
TRY = "/console/voices/try/"
MICHAEL = json.dumps({"en": "am_michael", "voice": "kokoro"})
FORM = {"voice": ["hibari", ""], "text": "Good evening.", "language": "en", "rate": "1"}


@pytest.fixture
def data(tmp_path: Path, settings) -> Path:  # type: ignore[no-untyped-def]
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    return tmp_path


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Client:
    client.force_login(admin_user)
    return client


@pytest.fixture(autouse=True)
def _broker() -> Iterator[None]:
    """The broker of the test run, empty."""
    take_tasks()
    yield
    take_tasks()


def take_tasks() -> list[str]:
    """What tasks in the broker are about; takes them out."""
    sent = []
    with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        while True:
            try:
                message = queue.get(block=False)
            except Empty:
                return sent
            message.ack()
            assert message.headers["task"] == "avatar_engine.tasks.try_voice"
            sent.append(message.payload[0][0])


def ask(client: Client, **changes: object) -> list[dict[str, object]]:
    response = client.post(TRY, {**FORM, **changes}, **JSON)
    assert response.status_code == 200, response.content
    return response.json()["trials"]


def test_page_offers_every_speaker_and_holds_nothing_inline(staff: Client, data: Path) -> None:
    response = staff.get("/console/voices/")
    body = response.content.decode()
    for text in ("af_heart", "zh-CN-YunxiNeural", "coral", "Hibari (on this machine, English)", "大家晚上好"):
        assert text in body
    assert INLINE.search(response.content) is None


def test_voice_is_heard_by_way_of_the_worker(staff: Client, data: Path) -> None:
    (asked,) = ask(staff)
    assert (asked["state"], asked["is_over"], asked["sound_url"]) == ("asked", False, "")
    (trial_id,) = take_tasks()
    assert trial_id == asked["id"]
    try_voice(trial_id)
    (done,) = staff.get(f"/console/voices/now/?trial={trial_id}").json()["trials"]
    assert (done["state"], done["is_over"]) == ("done", True)
    assert done["card"]["licence"] == "Apache-2.0"
    assert done["figures"]["first_sound"].endswith(" ms")
    sound = staff.get(done["sound_url"])
    assert sound["Content-Type"] == "audio/wav"
    assert sound.content[:4] == b"RIFF"
    body = staff.get(f"/console/voices/?trial={trial_id}").content.decode()
    assert done["figures"]["realtime"] in body
    assert done["sound_url"] in body


def test_two_voices_are_asked_in_their_order_with_the_rate_where_they_have_one(staff: Client, data: Path) -> None:
    first, second = ask(staff, voice=[MICHAEL, "silence"], rate="1.25")
    assert take_tasks() == [first["id"], second["id"]]
    entries = [TrialFolder(data).read(str(trial["id"])).entry for trial in (first, second)]  # type: ignore[union-attr]
    assert entries == [{"voice": "kokoro", "en": "am_michael", "rate": 1.25}, {"voice": "silence"}]
    assert first["speaker"] == "am_michael"


def test_voice_that_is_not_set_up_says_what_it_misses(staff: Client, data: Path) -> None:
    (asked,) = ask(staff, voice=[MICHAEL])
    try_voice(asked["id"])
    (failed,) = staff.get(f"/console/voices/now/?trial={asked['id']}").json()["trials"]
    assert failed["reason_key"] == "trial_reason.not_ready"
    assert "manage.py weights kokoro" in failed["detail"]
    body = staff.get(f"/console/voices/?trial={asked['id']}").content.decode()
    assert "This voice is not set up here" in body
    assert staff.get(f"/console/voices/{asked['id']}/sound/").status_code == 404


def test_voice_of_a_room_with_its_options_may_be_tried(staff: Client, data: Path) -> None:
    server = {"voice": "http", "url": "http://127.0.0.1:9/voice"}
    key = json.dumps(server, sort_keys=True)
    assert staff.post(TRY, {**FORM, "voice": [key]}, **JSON).json() == {"reason": "no_such_voice"}
    Room.objects.create(slug="a", title="A", voices=["hibari", server])
    assert ask(staff, voice=[key])[0]["voice_key"] == "voice.http"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": "  "}, "empty"),
        ({"text": "x" * (MOST_TEXT + 1)}, "too_long"),
        ({"voice": ["parrot"]}, "no_such_voice"),
        ({"voice": ['{"voice": "http", "url": "http://169.254.169.254/"}']}, "no_such_voice"),
        ({"voice": ["", ""]}, "no_such_voice"),
        ({"language": "tlh"}, "no_such_voice"),
        ({"rate": "fast"}, "wrong_rate"),
        ({"rate": "nan"}, "wrong_rate"),
        ({"rate": "3"}, "wrong_rate"),
    ],
)
def test_what_cannot_be_passed_on_is_refused_with_a_reason(
    staff: Client, data: Path, changes: dict[str, object], reason: str
) -> None:
    response = staff.post(TRY, {**FORM, **changes}, **JSON)
    assert (response.status_code, response.json()) == (422, {"reason": reason})
    assert take_tasks() == []


def test_form_without_script_comes_back_to_the_page_with_its_tries(staff: Client, data: Path) -> None:
    place = staff.post(TRY, {**FORM, "voice": ["hibari", "silence"]})["Location"]
    assert place == "/console/voices/?" + "&".join(f"trial={trial}" for trial in take_tasks())
    assert staff.post(TRY, {**FORM, "text": ""})["Location"] == "/console/voices/"
    assert "There is nothing to send" in staff.get("/console/voices/").content.decode()


def test_broker_that_is_away_is_said_and_leaves_no_wish(
    staff: Client, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("avatar_engine.tasks.try_voice.apply_async", refuse)
    assert staff.post(TRY, FORM, **JSON).json() == {"reason": "no_worker"}
    assert list((data / "voice_trials").iterdir()) == []


def test_strangers_hear_and_ask_nothing(client: Client, data: Path) -> None:
    sound = f"/console/voices/{'0' * 32}/sound/"
    for path in ("/console/voices/", "/console/voices/now/", sound):
        assert client.get(path)["Location"].startswith("/console/login/")
    assert client.post(TRY, FORM)["Location"].startswith("/console/login/")
    assert take_tasks() == []


def test_trying_is_a_post(staff: Client, data: Path) -> None:
    assert staff.get(TRY).status_code == 405
