"""Footlight on PostgreSQL, Redis and RabbitMQ: two web copies, stages and a render as real processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql
from psycopg.rows import dict_row

from mysite.env import REPOSITORY
from mysite.machine import find_free_port
from tests.support.front_door import FrontDoor
from tests.support.live_system import wait_until

QUIET = "UPDATE chat_room SET greeting = '', idle_lines = '[]'"


class ServiceSystem:
    """Starts on `__enter__`; on `__exit__` ends every process and drops its database.

    Render prefers the first web copy and the first stage the second one, so that everything between them crosses
    Redis; both find the other copy through a door where theirs is away. Programs: web-0, web-1, render, stage-0,
    stage-1, and worker and beat, which nobody starts unasked. A killed one stays away until `start`.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        redis_url: str,
        broker_url: str,
        *,
        first_port: int = 8300,
        server: str = "daphne",
        **environ: str,
    ) -> None:
        self.folder = folder
        self.redis_url = redis_url
        self.prefix = f"footlight-test-{uuid.uuid4().hex[:8]}"
        self.ports = find_ports(4, first_port)
        self._server = server
        self._admin_url = database_url
        self._database = self.prefix.replace("-", "_")
        self._url = urlunsplit(urlsplit(database_url)._replace(path=f"/{self._database}"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ends = contextlib.ExitStack()
        self._environ = {
            **os.environ,
            "DATA": str(folder),
            "DATABASE_URL": self._url,
            "REDIS_URL": redis_url,
            "FOOTLIGHT_REDIS_PREFIX": self.prefix,
            "CELERY_BROKER_URL": broker_url,
            "FOOTLIGHT_LLM": "off",
            "DJANGO_SETTINGS_MODULE": "mysite.settings.base",
            "PYTHONUNBUFFERED": "1",
            **environ,
        }

    def __enter__(self) -> ServiceSystem:
        with contextlib.ExitStack() as ends:
            self._make_database(ends)
            self.manage("prepare")
            self.execute(QUIET)
            first, second, render_door, stage_door = self.ports
            ends.enter_context(FrontDoor(render_door, first, second))
            ends.enter_context(FrontDoor(stage_door, second, first))
            ends.callback(self._end_all)
            for name in ("web-0", "web-1", "render", "stage-0"):
                self.start(name)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            print(self.log())
        self._ends.close()

    def _make_database(self, ends: contextlib.ExitStack) -> None:
        name = sql.Identifier(self._database)
        connection = ends.enter_context(psycopg.connect(self._admin_url, autocommit=True))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        ends.callback(connection.execute, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        ends.callback(self._forget_redis)

    def _forget_redis(self) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            for key in client.scan_iter(f"{self.prefix}:*"):
                client.delete(key)

    # processes

    def start(self, name: str) -> None:
        """Start a program that is not running."""
        python = sys.executable
        render_door, stage_door = self.ports[2:]
        if name.startswith("web-"):
            command = self._build_web_command(python, self.ports[int(name[-1])])
        elif name == "render":
            token = str(self.folder / "secrets" / "link_token")
            command = [python, "-m", "avatar_engine.render", "--name", "render-1", "--token-file", token]
            command += ["--web", f"ws://127.0.0.1:{render_door}/ws/link/", "--data", str(self.folder)]
        elif name.startswith("stage-"):
            command = [python, "manage.py", "run_stage", "--name", name]
            command += ["--web", f"ws://127.0.0.1:{stage_door}/ws/link/"]
        else:
            options = ["--pool", "solo"] if name == "worker" else ["--pidfile=", "-s", str(self.folder / "beat")]
            command = [python, "-m", "celery", "--quiet", "-A", "mysite", name, *options]
        with (self.folder / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**self._environ, "FOOTLIGHT_PROCESS": name},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def _build_web_command(self, python: str, port: int) -> list[str]:
        if self._server == "daphne":
            command = [
                python,
                "-m",
                "mysite.daphne_server",
                "-v",
                "0",
                "--no-server-name",
                "-b",
                "127.0.0.1",
                "-p",
                str(port),
            ]
            command += ["--proxy-headers"] if self._environ.get("FOOTLIGHT_BEHIND_PROXY") == "1" else []
        else:
            command = [python, "-m", "uvicorn", "--log-level", "warning", "--host", "127.0.0.1", "--port", str(port)]
            command += ["--lifespan", "off", "--ws-per-message-deflate", "false", "--ws-max-size", "1048576"]
        return [*command, "mysite.asgi:application"]

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(5)

    def _end_all(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py."""
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=REPOSITORY, env=self._environ, check=True)

    def break_redis(self) -> int:
        """Cut every connection that the web copies hold for the relay; returns how many."""
        with redis.Redis.from_url(self.redis_url) as client:
            ours = [c for c in client.client_list() if c["name"] == f"{self.prefix}-relay"]
            for connection in ours:
                client.client_kill_filter(_id=connection["id"])
        return len(ours)

    # what is going on

    @property
    def running(self) -> set[str]:
        """Names of the programs that were started and not killed."""
        return set(self._processes)

    def url(self, copy: int) -> str:
        return f"http://127.0.0.1:{self.ports[copy]}"

    def ws_url(self, copy: int) -> str:
        return f"ws://127.0.0.1:{self.ports[copy]}"

    def is_ready(self, copy: int) -> bool:
        """Whether the picture moves at this copy."""
        try:
            with urllib.request.urlopen(f"{self.url(copy)}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def wait_on_air(self, limit_s: float = 60.0) -> None:
        """Until the picture moves at every copy that runs."""
        copies = [copy for copy in (0, 1) if f"web-{copy}" in self._processes]
        wait_until(lambda: all(self.is_ready(copy) for copy in copies), limit_s, self.log)

    def log(self) -> str:
        """The last lines of every process."""
        tails = []
        for path in sorted(self.folder.glob("*.out")):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-25:]
            tails.append("\n".join([f"--- {path.stem}", *lines]))
        return "\n".join(tails)

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self._url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def execute(self, query: str, *values: Any) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(query, values)  # type: ignore[arg-type]

    def holder(self) -> str:
        """The stage process that has the lease of the demo room."""
        return str(self.rows("SELECT lease_owner FROM chat_room WHERE slug = 'mira'")[0]["lease_owner"])


def find_ports(count: int, first: int) -> list[int]:
    """Free ports on the loopback address."""
    ports: list[int] = []
    while len(ports) < count:
        ports.append(find_free_port("127.0.0.1", ports[-1] + 1 if ports else first))
    return ports
