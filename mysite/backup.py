"""Backups of a whole Footlight: made while it runs, put back while it does not."""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from django.db import DatabaseError, connections
from django.utils import timezone

from mysite.backup_archive import BackupError, Manifest, extract_archive, write_archive
from mysite.backup_database import (
    DUMP_NAMES,
    SQLITE,
    check_migrations,
    check_nobody_leases,
    check_sqlite,
    dump_database,
    get_vendor,
    list_migrations,
    load_postgresql,
    migrate_sqlite,
)
from mysite.env import Env
from mysite.preparation import AlreadyRunning, hold_data_folder

FOLDERS = ("avatars", "media")
SECRETS = "secrets"
DATABASE_FILES = ("footlight.sqlite3", "footlight.sqlite3-wal", "footlight.sqlite3-shm")


def make_backup(env: Env, target: Path, *, with_secrets: bool) -> Manifest:
    """Write database, avatars and media to `target`, and the secrets where wanted. Raises `BackupError`.

    Weights, logs and static files are left out: they are fetched or made again.
    """
    vendor = get_vendor()
    manifest = Manifest(timezone.now().isoformat(), vendor, list_migrations(), with_secrets)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as scratch:
            dump = Path(scratch) / "dump"
            dump_database(dump, env.environ)
            with write_archive(target) as archive:
                archive.add(dump, DUMP_NAMES[vendor])
                for name in (*FOLDERS, SECRETS) if with_secrets else FOLDERS:
                    archive.add_folder(env.data_dir / name, name)
                archive.finish(manifest)
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error}") from error
    return manifest


def restore_backup(env: Env, source: Path) -> Path | None:
    """Put a backup in place of what is in the data folder; returns the folder that keeps what was there, or None.

    Nothing is replaced before every byte is checked and the database is brought to this release. Raises `BackupError`,
    also where the system runs.
    """
    try:
        lock = hold_data_folder(env)
    except AlreadyRunning as error:
        raise BackupError(str(error)) from error
    with lock:
        _check_nobody_runs(env)
        new = Path(tempfile.mkdtemp(prefix=".restore-", dir=env.data_dir))
        try:
            manifest = _prepare(source, new)
            if manifest.database != SQLITE:
                load_postgresql(new / DUMP_NAMES[manifest.database], env.environ)
            return _exchange(env.data_dir, new, manifest)
        except OSError as error:
            raise BackupError(f"the backup cannot be put in place: {error}") from error
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _check_nobody_runs(env: Env) -> None:
    try:
        check_nobody_leases()
    except DatabaseError:
        return  # a broken database is a reason to restore
    finally:
        connections.close_all()
    try:
        with urllib.request.urlopen(f"{env.local_url}/healthz", timeout=2):  # noqa: S310 - our own address
            raise BackupError(f"Footlight runs: {env.local_url} answers. End all processes first")
    except (urllib.error.URLError, OSError):
        return


def _prepare(source: Path, new: Path) -> Manifest:
    """Unpack into `new`, check, and bring the database to this release."""
    manifest = extract_archive(source, new)
    vendor = get_vendor()
    if manifest.database != vendor:
        raise BackupError(f"the backup is of a {manifest.database} database, DATABASE_URL names a {vendor} one")
    check_migrations(manifest.migrations)
    dump = new / DUMP_NAMES[vendor]
    if not dump.is_file():
        raise BackupError(f"{source} holds no database")
    if vendor == SQLITE:
        check_sqlite(dump)
        migrate_sqlite(dump)
    return manifest


def _exchange(data: Path, new: Path, manifest: Manifest) -> Path | None:
    """Move what is there aside and the new in its place; on an error everything goes back."""
    parts = [*FOLDERS, *([SECRETS] if manifest.has_secrets else [])]
    if manifest.database == SQLITE:
        (new / DUMP_NAMES[SQLITE]).rename(new / DATABASE_FILES[0])
        parts += DATABASE_FILES
    aside = data / f"before-restore-{timezone.now():%Y%m%d-%H%M%S}"
    aside.mkdir(mode=0o700)
    moved: list[tuple[Path, Path]] = []

    def move(old: Path, place: Path) -> None:
        if old.exists():
            old.rename(place)
            moved.append((old, place))

    try:
        for name in parts:
            move(data / name, aside / name)
        was_there = bool(moved)
        for name in parts:
            move(new / name, data / name)
    except OSError:
        for old, place in reversed(moved):
            place.rename(old)
        aside.rmdir()
        raise
    if not was_there:
        aside.rmdir()
        return None
    return aside
