"""The database of a backup: copied while it is written to, and put back in one step."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from mysite.backup_archive import BackupError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
DUMP_NAMES = {SQLITE: "database/footlight.sqlite3", POSTGRESQL: "database/footlight.pgdump"}
RESTORED = "restored"


def get_vendor() -> str:
    """ "sqlite" or "postgresql"."""
    vendor = str(connections["default"].vendor)
    if vendor not in DUMP_NAMES:
        raise BackupError(f"there is no backup for {vendor} databases")
    return vendor


def list_migrations(alias: str = "default") -> dict[str, list[str]]:
    """App label -> names of the migrations that the database has."""
    applied: dict[str, list[str]] = {}
    for app, name in MigrationRecorder(connections[alias]).applied_migrations():
        applied.setdefault(app, []).append(name)
    return {app: sorted(names) for app, names in sorted(applied.items())}


def check_migrations(migrations: Mapping[str, list[str]]) -> None:
    """Raise `BackupError` where a database has migrations that this release does not know."""
    loader = MigrationLoader(None)
    known = loader.disk_migrations.keys() | {
        replaced for migration in loader.disk_migrations.values() for replaced in migration.replaces
    }
    unknown = [f"{app}.{name}" for app, names in migrations.items() for name in names if (app, name) not in known]
    if unknown:
        raise BackupError(f"the backup is of a newer Footlight: this one does not know {', '.join(unknown[:3])}")


def dump_database(target: Path, environ: Mapping[str, str]) -> None:
    """Write the database as it is at one moment to `target`; others go on reading and writing meanwhile."""
    settings = connections["default"].settings_dict
    if get_vendor() == SQLITE:
        copy_sqlite(Path(settings["NAME"]), target)
    else:
        _run("pg_dump", settings, environ, "--format=custom", f"--file={target}")


def copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's own online copy, and a check of it. Raises `BackupError`."""
    try:
        old = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=20)
        with closing(old), closing(sqlite3.connect(target)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        check_sqlite(target)
    except sqlite3.Error as error:
        raise BackupError(f"the database cannot be copied: {error}") from error


def check_sqlite(path: Path) -> None:
    """Raise `BackupError` where the file is no sound database."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            said += [f"{row[0]} row {row[1]}" for row in connection.execute("PRAGMA foreign_key_check")]
    except sqlite3.Error as error:
        raise BackupError(f"the database is damaged: {error}") from error
    if said != ["ok"]:
        raise BackupError(f"the database is damaged: {said[0]}")


@contextmanager
def opened_beside(path: Path) -> Iterator[str]:
    """The SQLite file at `path` as a second database of Django, under the alias that is yielded."""
    connections.settings[RESTORED] = {**connections.settings["default"], "NAME": str(path)}
    try:
        yield RESTORED
    finally:
        connections[RESTORED].close()
        del connections[RESTORED]
        del connections.settings[RESTORED]


def migrate_sqlite(path: Path) -> None:
    """Bring the database at `path` to this release, and leave it as one file. Raises `BackupError`."""
    try:
        with opened_beside(path) as alias:
            check_migrations(list_migrations(alias))
            call_command("migrate", database=alias, verbosity=0, interactive=False)
    except (DatabaseError, CommandError) as error:
        raise BackupError(f"the database cannot be brought to this release: {error}") from error
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def load_postgresql(dump: Path, environ: Mapping[str, str]) -> None:
    """Put the dump in place of all tables, in one transaction, and bring it to this release."""
    settings = connections["default"].settings_dict
    connections.close_all()
    _run("pg_restore", settings, environ, "--clean", "--if-exists", "--no-owner", "--single-transaction", str(dump))
    call_command("migrate", verbosity=0, interactive=False)


def check_nobody_leases() -> None:
    """Raise `BackupError` where a stage process holds a room: the system runs somewhere."""
    from chat.models import Room

    settings = connections["default"].settings_dict
    if get_vendor() == SQLITE and not Path(settings["NAME"]).exists():
        return  # asking would make an empty one
    if Room._meta.db_table not in connections["default"].introspection.table_names():
        return
    held = Room.objects.filter(lease_expires_at__gt=timezone.now()).values_list("slug", "lease_owner").first()
    if held is not None:
        raise BackupError(f"Footlight runs: room {held[0]} is held by {held[1]}. End all processes first")


def _run(program: str, settings: Mapping[str, Any], environ: Mapping[str, str], *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is missing. Debian, Ubuntu: apt install postgresql-client")
    # The password goes through the environment: arguments can be read by every user of the machine.
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    given = {name: str(settings[key]) for name, key in names.items() if settings.get(key)}
    done = subprocess.run(
        [found, f"--dbname={settings['NAME']}", *arguments], env={**environ, **given}, capture_output=True, text=True
    )
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-500:]}")
