"""An avatar that has not passed its test stays off the air until an operator signs for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AbstractUser
from django.test import Client

from avatar_engine.evaluate import gate
from avatar_engine.evaluate.network_hash import hash_network
from avatar_engine.evaluate.result import RESULT_FILE, Evaluation, save_evaluation
from chat import services
from chat.models import AirOverride, Room
from frontend.strings import LANGUAGES, load_strings

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.FOOTLIGHT = dataclasses.replace(settings.FOOTLIGHT, data_dir=tmp_path)
    path = tmp_path / "avatars" / "ada"
    path.mkdir(parents=True)
    (path / "unet.safetensors").write_bytes(b"weights")
    return path


@pytest.fixture
def room() -> Room:
    return Room.objects.create(slug="ada", title="Ada", avatar="ada")


@pytest.fixture
def staff(client: Client, admin_user: AbstractUser) -> Iterator[Client]:
    client.force_login(admin_user)
    return client


def evaluate(folder: Path, correlation: float, lag_ms: float = 0.0) -> None:
    found = Evaluation(
        avatar="ada",
        made_at="2026-01-01T00:00:00+00:00",
        network_sha256=hash_network(folder),
        truth=gate.TRUTH_MARKS,
        frames=10,
        opening_correlation=correlation,
        opening_lag_ms=lag_ms,
    )
    save_evaluation(found, folder)


def start(room: Room, **signature: str) -> str:
    """What keeps it off the air, or "on_air"."""
    try:
        services.start_room(room, **signature)
    except services.ServiceError as error:
        return error.reason
    room.refresh_from_db()
    return "on_air" if room.is_on_air else "off_air"


def test_an_avatar_that_passed_goes_on_air(folder: Path, room: Room) -> None:
    evaluate(folder, 0.9)
    assert start(room) == "on_air"
    assert not AirOverride.objects.exists()


def test_the_presenter_of_the_family_needs_no_test(folder: Path) -> None:
    assert start(Room.objects.create(slug="mira", title="Mira")) == "on_air"


def test_an_avatar_that_failed_stays_off_air_and_a_reason_alone_is_no_signature(folder: Path, room: Room) -> None:
    evaluate(folder, 0.2)
    assert start(room) == "avatar_gate"
    assert start(room, override="the client likes it") == "avatar_gate"
    assert start(room, operator="kim", override="  ") == "avatar_gate"
    room.refresh_from_db()
    assert not room.is_on_air


@pytest.mark.parametrize("damage", ["never", "damaged", "elsewhere", "outside"])
def test_without_figures_it_stays_off_air(folder: Path, room: Room, damage: str) -> None:
    if damage == "damaged":
        (folder / RESULT_FILE).write_text("{")
    if damage == "elsewhere":
        room.avatar = "bob"
    if damage == "outside":
        room.avatar = "../ada"
    assert start(room) == "avatar_gate"


def test_a_signature_lets_it_on_air_and_is_kept(folder: Path, room: Room, caplog: pytest.LogCaptureFixture) -> None:
    evaluate(folder, 0.2, lag_ms=90)
    assert start(room, operator="kim", override="the client likes it") == "on_air"
    row = AirOverride.objects.get()
    assert (row.operator, row.reason, row.avatar) == ("kim", "the client likes it", "ada")
    assert [short["code"] for short in row.shortfalls] == ["correlation", "late"]
    assert "kim lets avatar ada on air" in caplog.text
    services.stop_room(room)
    assert start(room) == "on_air"
    assert AirOverride.objects.count() == 1


def test_a_signature_does_not_hold_for_another_network_or_room(folder: Path, room: Room) -> None:
    evaluate(folder, 0.2)
    start(room, operator="kim", override="the client likes it")
    assert start(Room.objects.create(slug="two", title="Two", avatar="ada")) == "avatar_gate"
    (folder / "unet.safetensors").write_bytes(b"trained further")
    services.stop_room(room)
    assert start(room) == "avatar_gate"


def test_figures_of_an_earlier_network_do_not_count(folder: Path, room: Room) -> None:
    evaluate(folder, 0.9)
    (folder / "unet.safetensors").write_bytes(b"trained further")
    assert start(room) == "avatar_gate"


def test_the_console_says_why_and_takes_the_signature(folder: Path, room: Room, staff: Client) -> None:
    evaluate(folder, 0.2)
    refused = staff.post("/console/rooms/ada/start/", HTTP_ACCEPT="application/json")
    assert (refused.status_code, refused.json()) == (422, {"reason": "avatar_gate"})
    page = staff.get("/console/rooms/ada/").content.decode()
    assert "0.20, at least 0.50 is wanted" in page
    assert staff.post("/console/rooms/ada/start/", {"override": "a rehearsal"}).status_code == 302
    room.refresh_from_db()
    assert room.is_on_air
    signed = staff.get("/console/rooms/ada/").content.decode()
    assert "admin signed for it: a rehearsal" in signed
    assert 'name="override"' not in signed


def test_every_shortfall_has_a_text() -> None:
    limits = ("correlation", "psnr", "lmd")
    codes = {"not_here", "not_evaluated", "changed_since", "late", "early", "lpips"}
    codes |= {*limits, *(f"{code}_unknown" for code in limits)}
    for language in LANGUAGES:
        table = load_strings(language).table
        assert {f"reason.avatar_{code}" for code in codes} | {"reason.avatar_gate"} <= set(table)
