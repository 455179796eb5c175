"""A backup holds everything as it was at one moment; a restore changes nothing before all of it is checked."""

import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mysite.backup_archive import MANIFEST, BackupError, Manifest, extract_archive, write_archive
from mysite.backup_database import check_migrations, check_sqlite, copy_sqlite, list_migrations
from mysite.env import REPOSITORY

# the file


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A backup of two files of a folder."""
    folder = tmp_path / "avatars" / "mira"
    folder.mkdir(parents=True)
    (folder / "face.bin").write_bytes(os.urandom(300_000))
    (folder / "name.txt").write_text("Mira")
    target = tmp_path / "backup.tar.gz"
    with write_archive(target) as writer:
        writer.add_folder(tmp_path / "avatars", "avatars")
        writer.finish(Manifest("2026-01-01", "sqlite", {}, False))
    return target


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_what_was_put_in_comes_out(archive: Path, empty: Path, tmp_path: Path) -> None:
    manifest = extract_archive(archive, empty)
    assert set(manifest.files) == {"avatars/mira/face.bin", "avatars/mira/name.txt"}
    for name in manifest.files:
        assert (empty / name).read_bytes() == (tmp_path / name).read_bytes()
    assert archive.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".*.part"))


def test_every_damaged_byte_is_noticed(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    for number, at in enumerate(range(20, len(whole), len(whole) // 40)):
        archive.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        folder = tmp_path / f"try-{number}"
        folder.mkdir()
        with pytest.raises(BackupError):
            extract_archive(archive, folder)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_file_that_broke_off_is_refused(archive: Path, empty: Path, share: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BackupError):
        extract_archive(archive, empty)


def rewrite(archive: Path, change: Callable[[tarfile.TarInfo, bytes], bytes]) -> None:
    """The same archive with other content or names, packed anew, so that gzip finds nothing wrong."""
    with tarfile.open(archive) as old:
        members = [(info, old.extractfile(info).read()) for info in old]  # type: ignore[union-attr]
    with tarfile.open(archive, "w:gz") as new:
        for info, content in members:
            content = change(info, content)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))


def test_content_that_is_not_the_manifests_is_named(archive: Path, empty: Path) -> None:
    rewrite(archive, lambda info, content: b"Eve!" if info.name.endswith(".txt") else content)
    with pytest.raises(BackupError, match=r"damaged: avatars/mira/name\.txt"):
        extract_archive(archive, empty)


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "avatars/../../escape"])
def test_nothing_is_written_outside_the_folder(archive: Path, empty: Path, name: str) -> None:
    def change(info: tarfile.TarInfo, content: bytes) -> bytes:
        info.name = name if info.name != MANIFEST else info.name
        return content

    rewrite(archive, change)
    with pytest.raises(BackupError, match="has no place"):
        extract_archive(archive, empty)
    assert not (empty.parent / "escape").exists()


def test_other_format_is_refused(archive: Path, empty: Path) -> None:
    def change(info: tarfile.TarInfo, content: bytes) -> bytes:
        return json.dumps({**json.loads(content), "format": 2}).encode() if info.name == MANIFEST else content

    rewrite(archive, change)
    with pytest.raises(BackupError, match="format 2"):
        extract_archive(archive, empty)


# the database


def test_copy_is_of_one_moment_while_others_write(tmp_path: Path) -> None:
    path, target = tmp_path / "live.sqlite3", tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE account (name TEXT, coins INT)")
        connection.executemany("INSERT INTO account VALUES (?, 500)", [("a" * 3000,), ("b" * 3000,)] * 200)
        connection.commit()
    stop = threading.Event()

    def move_coins() -> None:
        with closing(sqlite3.connect(path, timeout=20)) as writer:
            while not stop.is_set():
                writer.execute("UPDATE account SET coins = coins - 1 WHERE name < 'b'")
                writer.execute("UPDATE account SET coins = coins + 1 WHERE name >= 'b'")
                writer.commit()

    thread = threading.Thread(target=move_coins)
    thread.start()
    try:
        for number in range(5):
            copy = target.with_stem(f"copy-{number}")
            copy_sqlite(path, copy)
            with closing(sqlite3.connect(copy)) as connection:
                assert connection.execute("SELECT sum(coins), count(*) FROM account").fetchone() == (200_000, 400)
            assert not list(tmp_path.glob("copy-*-wal"))
    finally:
        stop.set()
        thread.join()


def test_damaged_database_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 900,)] * 100)
        connection.commit()
    check_sqlite(path)
    data = bytearray(path.read_bytes())
    data[4096:8192] = bytes(4096)
    path.write_bytes(data)
    with pytest.raises(BackupError, match="damaged"):
        check_sqlite(path)


@pytest.mark.django_db(transaction=True)
def test_newer_schema_is_refused() -> None:
    migrations = list_migrations()
    check_migrations(migrations)
    with pytest.raises(BackupError, match=r"newer Footlight.*chat\.9999_future"):
        check_migrations({**migrations, "chat": [*migrations["chat"], "9999_future"]})


# the commands, in folders of their own


class Folder:
    """A data folder and the commands on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "footlight.sqlite3"

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        environ |= {"DATA": str(self.path), "PORT": "9", "DJANGO_SETTINGS_MODULE": "mysite.settings.base"}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=REPOSITORY, env=environ, capture_output=True, text=True
        )

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def execute(self, query: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(query)

    def content(self) -> dict[str, bytes]:
        names = [path for path in self.path.rglob("*") if path.is_file() and path.name != "live.lock"]
        return {str(path.relative_to(self.path)): path.read_bytes() for path in names if "logs" not in path.parts}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    folder = Folder(tmp_path_factory.mktemp("first"))
    assert folder.manage("migrate", "--verbosity", "0").returncode == 0
    folder.execute("INSERT INTO auth_group (name) VALUES ('kept')")
    (folder.path / "avatars" / "mira").mkdir(parents=True)
    (folder.path / "avatars" / "mira" / "face.bin").write_bytes(b"face")
    (folder.path / "secrets").mkdir(exist_ok=True)
    (folder.path / "secrets" / "link_token").write_text("first")
    return folder


@pytest.fixture(scope="module")
def backup(first: Folder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("backups") / "night.tar.gz"
    done = first.manage("backup", str(target))
    assert done.returncode == 0, done.stderr
    return target


def test_restore_into_an_empty_folder(backup: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    done = folder.manage("restore", str(backup))
    assert done.returncode == 0, done.stderr
    assert folder.rows("SELECT name FROM auth_group") == [("kept",)]
    assert (tmp_path / "avatars" / "mira" / "face.bin").read_bytes() == b"face"
    assert not (tmp_path / "secrets" / "link_token").exists()
    assert not list(tmp_path.glob(".restore-*")) + list(tmp_path.glob("before-restore-*"))


def test_secrets_go_along_where_wanted(first: Folder, tmp_path: Path) -> None:
    target = tmp_path / "with.tar.gz"
    assert first.manage("backup", "--secrets", str(target)).returncode == 0
    folder = Folder(tmp_path / "second")
    assert folder.manage("restore", str(target)).returncode == 0
    assert (folder.path / "secrets" / "link_token").read_text() == "first"


def test_what_was_there_is_kept(backup: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.manage("migrate", "--verbosity", "0")
    folder.execute("INSERT INTO auth_group (name) VALUES ('of before')")
    assert folder.manage("restore", str(backup)).returncode == 0
    assert folder.rows("SELECT name FROM auth_group") == [("kept",)]
    (aside,) = tmp_path.glob("before-restore-*")
    assert Folder(aside).rows("SELECT name FROM auth_group") == [("of before",)]


def test_older_schema_is_brought_to_this_release(tmp_path: Path) -> None:
    old, new = Folder(tmp_path / "old"), Folder(tmp_path / "new")
    old.manage("migrate", "auth", "0005", "--verbosity", "0")
    old.execute("INSERT INTO auth_group (name) VALUES ('of long ago')")
    assert old.manage("backup", str(tmp_path / "old.tar.gz")).returncode == 0
    done = new.manage("restore", str(tmp_path / "old.tar.gz"))
    assert done.returncode == 0, done.stderr
    assert new.rows("SELECT name FROM auth_group") == [("of long ago",)]
    assert new.rows("SELECT count(*) FROM chat_room") == [(0,)]
    assert new.manage("migrate", "--check").returncode == 0


def test_damaged_backup_changes_nothing(backup: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.manage("migrate", "--verbosity", "0")
    before = folder.content()
    damaged = tmp_path / "damaged.tar.gz"
    whole = backup.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2] + b"\0" + whole[len(whole) // 2 + 1 :])
    done = folder.manage("restore", str(damaged))
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert folder.content() == before


def test_restore_is_refused_while_a_stage_process_holds_a_room(backup: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.manage("restore", str(backup)).returncode == 0
    folder.manage("shell", "-c", "from chat.services import ensure_demo_room; ensure_demo_room()")
    folder.execute("UPDATE chat_room SET lease_owner = 'stage-1', lease_expires_at = datetime('now', '+1 hour')")
    done = folder.manage("restore", str(backup))
    assert done.returncode == 1
    assert "held by stage-1" in done.stderr
    folder.execute("UPDATE chat_room SET lease_expires_at = datetime('now', '-1 hour')")
    assert folder.manage("restore", str(backup)).returncode == 0
