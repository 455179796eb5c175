"""The Celery application: `celery -A mysite`. Tasks only wake work that stands in rows; a lost task loses nothing."""

import os
import warnings
from typing import Any

from celery import Celery, signals
from celery.exceptions import SecurityWarning
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings.base")

app = Celery("footlight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect  # type: ignore[untyped-decorator]  # celery has no types
def keep_django_logging(**_: Any) -> None:
    """A receiver, whatever it does, keeps Celery from putting its own handlers in place of LOGGING."""


@signals.celeryd_init.connect  # type: ignore[untyped-decorator]
def keep_quiet_about_root(**_: Any) -> None:
    """Celery warns root of messages that run code. Ours are JSON, and every process of a container is root."""
    warnings.filterwarnings("ignore", category=SecurityWarning)


@app.task(name="mysite.heartbeat")  # type: ignore[untyped-decorator]
def heartbeat() -> None:
    """Marks that beat, broker and worker hang together: the age of the file is the age of the last tick."""
    (settings.FOOTLIGHT.data_dir / "worker.heartbeat").touch()


@app.task(name="mysite.guard_disk")  # type: ignore[untyped-decorator]
def guard_disk() -> None:
    """Looks at the disk of the data folder, and gives old logs up where it is nearly full."""
    from mysite import disk

    disk.guard_disk(settings.FOOTLIGHT.data_dir)


@app.task(name="mysite.clear_sessions")  # type: ignore[untyped-decorator]
def clear_sessions() -> None:
    """Deletes logins that have run out; Django leaves them in the table."""
    from django.core.management import call_command

    call_command("clearsessions")
