"""A disk that fills is noticed early, and what can be spared goes before the database suffers."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.test import AsyncRequestFactory

from mysite.celery import app
from mysite.disk import STOP_BELOW_BYTES, WARN_BELOW_BYTES, DiskState, guard_disk, read_disk
from mysite.health import readyz

BLOCK_BYTES = 4096


def build_statvfs(*free_bytes: int) -> Callable[[Path], os.statvfs_result]:
    """One answer after the other. Root's reserve, 100 blocks, is free but not for us."""
    blocks = iter([size // BLOCK_BYTES for size in free_bytes])

    def statvfs(_: Path) -> os.statvfs_result:
        free = next(blocks)
        return os.statvfs_result((BLOCK_BYTES, BLOCK_BYTES, 1 << 30, free + 100, free, 0, 0, 0, 0, 255))

    return statvfs


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name in ("web.jsonl", "web.jsonl.1", "web-2.jsonl.4", "web.lock"):
        (folder / name).write_text("x" * 1000)
    return folder


@pytest.mark.parametrize(
    ("free", "state"),
    [
        (WARN_BELOW_BYTES + BLOCK_BYTES, DiskState.FINE),
        (WARN_BELOW_BYTES - BLOCK_BYTES, DiskState.WARNING),
        (STOP_BELOW_BYTES, DiskState.WARNING),
        (STOP_BELOW_BYTES - BLOCK_BYTES, DiskState.STOP),
    ],
)
def test_state_follows_what_is_free_to_us(tmp_path: Path, free: int, state: DiskState) -> None:
    assert read_disk(tmp_path, build_statvfs(free)).state is state


def test_warning_touches_nothing(tmp_path: Path, logs: Path, caplog: pytest.LogCaptureFixture) -> None:
    guard_disk(tmp_path, build_statvfs(WARN_BELOW_BYTES - BLOCK_BYTES))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert len(list(logs.iterdir())) == 4


def test_old_logs_and_kept_sound_go_where_the_disk_is_nearly_full(
    tmp_path: Path, logs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "voice_cache").mkdir()
    (tmp_path / "voice_cache" / "a.sound").write_bytes(b"x" * 5_000_000)
    disk = guard_disk(tmp_path, build_statvfs(STOP_BELOW_BYTES - BLOCK_BYTES, STOP_BELOW_BYTES))
    assert list((tmp_path / "voice_cache").iterdir()) == []
    assert "5 MB of old logs and kept sound" in caplog.text
    assert {file.name for file in logs.iterdir()} == {"web.jsonl", "web.lock"}
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert disk.state is DiskState.WARNING


def test_beat_looks_every_minute() -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["guard-disk"]
    assert entry["schedule"] == 60.0
    assert app.tasks[entry["task"]].apply().successful()


@pytest.mark.django_db(transaction=True)
async def test_readyz_names_the_state_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "mysite.health.read_disk", lambda folder: read_disk(folder, build_statvfs(STOP_BELOW_BYTES - BLOCK_BYTES))
    )
    assert json.loads((await readyz(AsyncRequestFactory().get("/readyz"))).content)["disk"] == "stop"
