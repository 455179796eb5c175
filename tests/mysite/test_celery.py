"""What beat has the worker do, and what the worker's lines say."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from mysite.celery import app
from tests.rules.source import ROOT


@pytest.mark.django_db
def test_logins_that_have_run_out_are_deleted_every_day() -> None:
    now = timezone.now()
    for name, age in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=name, session_data="x", expire_date=now + timedelta(hours=age))
    entry = settings.CELERY_BEAT_SCHEDULE["clear-sessions"]
    assert entry["schedule"] == timedelta(days=1).total_seconds()
    assert app.tasks[entry["task"]].apply().successful()
    assert [session.session_key for session in Session.objects.all()] == ["new"]


@pytest.mark.django_db
def test_log_of_the_database_shrinks_again_after_a_burst() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("this database keeps its log itself")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_size_limit")
        assert cursor.fetchone() == (64 << 20,)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root is warned")
def test_worker_of_root_starts_without_a_page_of_warning() -> None:
    code = (
        "import django; django.setup(); from mysite.celery import app; "
        "app.Worker(pool='solo', hostname='w@x'); print('made')"
    )
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "mysite.settings.test"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert done.stdout.strip() == "made", done.stderr
    assert "SecurityWarning" not in done.stderr
