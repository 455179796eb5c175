"""The same code runs on PostgreSQL, Redis and RabbitMQ."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from kombu import Connection
from psycopg import sql

from tests.conftest import Services
from tests.rules.source import ROOT

pytestmark = pytest.mark.services

LAYER_ROUND_TRIP = """
import asyncio, sys, django
django.setup()
from channels.layers import get_channel_layer

async def main():
    layer = get_channel_layer()
    print(type(layer).__name__)
    name = await layer.new_channel()
    await layer.group_add("room.one", name)
    await layer.group_send("room.one", {"type": "nudge", "room": "one"})
    print((await asyncio.wait_for(layer.receive(name), 5))["room"])

asyncio.run(main())
"""


@pytest.fixture
def environ(services: Services, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process on all three services, with a database of its own."""
    name = f"footlight_test_{uuid.uuid4().hex[:12]}"
    url = urlsplit(services.database_url)
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {
            **os.environ,
            "DATA": str(tmp_path),
            "DJANGO_SETTINGS_MODULE": "mysite.settings.base",
            "DATABASE_URL": urlunsplit(url._replace(path=f"/{name}")),
            "REDIS_URL": services.redis_url,
            "CELERY_BROKER_URL": services.broker_url,
        }
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def run(environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_for(path: Path, worker: subprocess.Popen[bytes], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not path.exists():
        assert worker.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, "the worker was not woken"
        time.sleep(0.05)


def test_tables_are_made_on_postgresql(environ: dict[str, str]) -> None:
    run(environ, "manage.py", "migrate", "--verbosity", "0")
    run(environ, "manage.py", "migrate", "--check")
    code = "import django; django.setup(); from django.db import connection; print(connection.vendor)"
    assert run(environ, "-c", code).strip() == "postgresql"


def test_channel_layer_crosses_redis(environ: dict[str, str]) -> None:
    assert run(environ, "-c", LAYER_ROUND_TRIP).split() == ["RedisPubSubChannelLayer", "one"]


def test_task_crosses_rabbitmq(environ: dict[str, str], tmp_path: Path) -> None:
    queue = f"footlight-{uuid.uuid4().hex[:8]}"
    send = f"import django; django.setup(); from mysite.celery import heartbeat; heartbeat.apply_async(queue={queue!r})"
    run(environ, "-c", send)
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "--quiet", "-A", "mysite", "worker", "--pool", "solo", "-Q", queue],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(tmp_path / "worker.heartbeat", worker)
    finally:
        worker.kill()
        worker.wait()
        with Connection(environ["CELERY_BROKER_URL"]) as broker:
            broker.default_channel.queue_delete(queue)
