"""A PostgreSQL database is dumped while it is used, and put back in one step."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Services
from tests.rules.source import ROOT

pytestmark = pytest.mark.services


class Place:
    """A database and a data folder of their own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "DATABASE_URL": self.url, "DATA": str(self.folder), "PORT": "9"}
        environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings.base"
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True
        )

    def execute(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def places(services: Services, tmp_path: Path) -> Iterator[tuple[Place, Place]]:
    if shutil.which("pg_dump") is None:
        pytest.skip("no pg_dump here: sudo apt install postgresql-client")
    names = [f"footlight_test_{uuid.uuid4().hex[:12]}" for _ in range(2)]
    url = urlsplit(services.database_url)
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        for name in names:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        first, second = (Place(urlunsplit(url._replace(path=f"/{name}")), tmp_path / name) for name in names)
        yield first, second
        for name in names:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_postgresql_backup_replaces_another_database(places: tuple[Place, Place], tmp_path: Path) -> None:
    first, second = places
    target = tmp_path / "night.tar.gz"
    for place in places:
        assert place.manage("migrate", "--verbosity", "0").returncode == 0
    first.execute("INSERT INTO auth_group (name) VALUES ('kept')")
    second.execute("INSERT INTO auth_group (name) VALUES ('of before')")
    done = first.manage("backup", str(target))
    if "server version mismatch" in done.stderr:
        pytest.skip("pg_dump here is older than the server")
    assert done.returncode == 0, done.stderr
    done = second.manage("restore", str(target))
    assert done.returncode == 0, done.stderr
    assert second.execute("SELECT name FROM auth_group") == [("kept",)]
    second.execute("INSERT INTO auth_group (name) VALUES ('next')")  # sequences go on where they were
    assert second.manage("migrate", "--check").returncode == 0


def test_postgresql_backup_that_breaks_off_changes_nothing(places: tuple[Place, Place], tmp_path: Path) -> None:
    first, second = places
    target = tmp_path / "night.tar.gz"
    first.manage("migrate", "--verbosity", "0")
    second.execute("CREATE TABLE mine AS SELECT 1 AS one")
    first.manage("backup", str(target))
    whole = target.read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    assert second.manage("restore", str(target)).returncode == 1
    assert second.execute("SELECT one FROM mine") == [(1,)]


def test_sqlite_backup_is_not_put_into_postgresql(places: tuple[Place, Place], tmp_path: Path) -> None:
    sqlite = Place("", tmp_path / "sqlite")
    sqlite.manage("migrate", "--verbosity", "0")
    target = tmp_path / "night.tar.gz"
    assert sqlite.manage("backup", str(target)).returncode == 0
    done = places[0].manage("restore", str(target))
    assert done.returncode == 1
    assert "backup is of a sqlite database" in done.stderr
