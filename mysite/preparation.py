"""What has to be in place before the first process starts; every step does nothing where it was done before."""

import fcntl
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import IO

from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from mysite.broker import prepare_broker_folder
from mysite.disk import guard_disk
from mysite.env import Env

OPERATOR = "operator"


class AlreadyRunning(Exception):
    """Another `manage.py live` holds this data folder."""


def hold_data_folder(env: Env) -> IO[str]:
    """Take the data folder for this process; the lock ends with the file that is returned. Raises AlreadyRunning."""
    lock = (env.data_dir / "live.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise AlreadyRunning(
            f"Footlight already runs on {env.data_dir}. End it there, or choose another folder: make live DATA=/folder"
        ) from error
    return lock


def prepare(env: Env, say: Callable[[str], None]) -> None:
    """Bring database, static files, first operator and demo room to where a show can start."""
    guard_disk(env.data_dir)
    env.secret_key()
    env.link_token()
    env.metrics_token()
    prepare_broker_folder(env.data_dir)
    migrate(say)
    collect_static_files(env.data_dir / "static", say)
    create_first_operator(say)
    ensure_demo_room()


def migrate(say: Callable[[str], None]) -> None:
    executor = MigrationExecutor(connections["default"])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("preparing the database")
        call_command("migrate", verbosity=0, interactive=False)


def collect_static_files(folder: Path, say: Callable[[str], None]) -> None:
    """Collect and compress static files where one of them changed since the last time."""
    stamp = folder / ".sources.sha256"
    sources = hash_sources()
    if stamp.exists() and stamp.read_text() == sources:
        return
    say("collecting static files")
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(sources)


def hash_sources() -> str:
    """One hash over name, size and time of every static file of every app."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def create_first_operator(say: Callable[[str], None]) -> None:
    """Make a staff account where there is no account at all; its password is said once and kept nowhere."""
    users = get_user_model().objects
    if users.exists():
        return
    password = secrets.token_urlsafe(12)
    users.create_superuser(username=OPERATOR, password=password)
    say(f"first operator: name {OPERATOR}, password {password} (shown this once; change it at /admin/password_change/)")


def ensure_demo_room() -> None:
    from chat.services import ensure_demo_room as ensure

    ensure()
