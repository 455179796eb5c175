"""The worker's task fetches as `manage.py weights` does, and the console can see how far it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from avatar_engine.errors import WeightsError
from avatar_engine.tasks import fetch_weights
from avatar_engine.weights import OfficialFile, Weight
from avatar_engine.weights.lock import hold_fetch_lock, is_being_fetched
from avatar_engine.weights.progress import FetchProgress, ProgressFile, progress_path, read_progress
from avatar_engine.weights.request import LATE_S, drop_request, keep_request, read_status
from mysite.celery import app
from tests.avatar_engine.weights_sources import CONTENT, FileServer, build_weight, serve_file

NOWHERE = OfficialFile("http://127.0.0.1:9/tiny.bin")


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:  # type: ignore[no-untyped-def]
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    return tmp_path / "weights"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_file() as made:
        yield made


def use(monkeypatch: pytest.MonkeyPatch, source: OfficialFile) -> Weight:
    weight = build_weight(source)
    monkeypatch.setattr("avatar_engine.weights.WEIGHTS", (weight,))
    return weight


def say(folder: Path, state: str, done: int, error: str = "") -> None:
    ProgressFile(folder)(FetchProgress("tiny", state, done, 100, error))  # type: ignore[arg-type]


def test_worker_knows_the_task() -> None:
    app.loader.import_default_modules()
    assert "avatar_engine.tasks.fetch_weights" in app.tasks


def test_file_that_was_asked_for_comes(folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = use(monkeypatch, OfficialFile(server.url))
    keep_request(weight, folder)
    fetch_weights("tiny")
    assert (folder / "tiny.bin").read_bytes() == CONTENT
    assert read_status(weight, folder).state == "here"


def test_second_task_for_a_file_that_is_here_downloads_nothing(
    folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, OfficialFile(server.url))
    fetch_weights("tiny")
    fetch_weights("tiny")
    assert len(server.asked) == 1


def test_failed_fetch_leaves_its_reason_and_may_be_asked_for_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = use(monkeypatch, NOWHERE)
    keep_request(weight, folder)
    fetch_weights("tiny")
    status = read_status(weight, folder)
    assert (status.state, status.may_ask) == ("failed", True)
    assert "could not be fetched" in status.error
    assert read_progress(folder, "tiny") is not None


def test_unknown_name_is_an_error(folder: Path) -> None:
    with pytest.raises(WeightsError, match="no weight file 'nothing'"):
        fetch_weights("nothing")


def test_missing_file_may_be_asked_for(folder: Path) -> None:
    status = read_status(build_weight(NOWHERE), folder)
    assert (status.state, status.may_ask, status.percent) == ("missing", True, 0)


def test_wish_is_asked_until_it_is_late(folder: Path) -> None:
    weight = build_weight(NOWHERE)
    keep_request(weight, folder)
    asked_s = (folder / "tiny.asked").stat().st_mtime
    early, late = (read_status(weight, folder, lambda after=after: asked_s + after) for after in (1.0, LATE_S))
    assert (early.state, early.may_ask) == ("asked", False)
    assert (late.state, late.may_ask) == ("late", True)


def test_wish_that_could_not_be_passed_on_is_forgotten(folder: Path) -> None:
    weight = build_weight(NOWHERE)
    keep_request(weight, folder)
    drop_request(weight, folder)
    assert read_status(weight, folder).state == "missing"


def test_file_arrives_while_somebody_holds_its_lock(folder: Path) -> None:
    weight = build_weight(NOWHERE)
    keep_request(weight, folder)
    with hold_fetch_lock(folder, "tiny"):
        say(folder, "fetching", 42)
        assert (read_status(weight, folder).state, read_status(weight, folder).percent) == ("arriving", 42)
        assert not read_status(weight, folder).may_ask
        say(folder, "checking", 100)
        assert (read_status(weight, folder).state, read_status(weight, folder).percent) == ("checking", 99)
        assert is_being_fetched(folder, "tiny")
    assert not is_being_fetched(folder, "tiny")


def test_fetch_that_ended_without_a_word_broke_off(folder: Path) -> None:
    weight = build_weight(NOWHERE)
    keep_request(weight, folder)
    say(folder, "fetching", 42)
    os.utime(folder / "tiny.asked", (1.0, 1.0))  # asked long before
    status = read_status(weight, folder)
    assert (status.state, status.percent, status.may_ask) == ("broken_off", 42, True)


def test_wish_after_a_failure_counts_more_than_the_failure(folder: Path) -> None:
    weight = build_weight(NOWHERE)
    folder.mkdir()
    say(folder, "failed", 42, "no network")
    os.utime(progress_path(folder, "tiny"), (1.0, 1.0))
    assert read_status(weight, folder).error == "no network"
    keep_request(weight, folder)
    assert read_status(weight, folder).state == "asked"
