"""A whole Footlight of its own: `manage.py live` in a folder of its own, on a port of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from mysite.env import REPOSITORY
from mysite.machine import find_free_port

PROGRAM_MARKS = {
    "web": "daphne",
    "render": "avatar_engine.render",
    "stage": "run_stage",
    "llm": "run_llm",
    "worker": "mysite worker",
    "beat": "mysite beat",
}
LINES_ON_FAILURE = 60
PASSWORD_LINE = re.compile(r"name (\S+), password (\S+)")


class LiveSystem:
    """Starts on `__enter__`, ends with everything it started on `__exit__`.

    `model`: "off" keeps the language model away (persona lines answer), "small" or "large" link the file from the
    repository's data folder, where `manage.py weights` puts it.
    """

    def __init__(self, folder: Path, *, model: str = "off", first_port: int = 8200, **environ: str) -> None:
        self.data = folder
        self.port = find_free_port("127.0.0.1", first_port)
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self._model = model
        self._environ = environ
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> LiveSystem:
        self._link_weights()
        environ = {
            **os.environ,
            "DATA": str(self.data),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "FOOTLIGHT_LLM": self._model,
            "DJANGO_SETTINGS_MODULE": "mysite.settings.base",
            "PYTHONUNBUFFERED": "1",
            **self._environ,
        }
        for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
            if name not in self._environ:
                environ.pop(name, None)
        self._process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "manage.py"), "live"],
            cwd=REPOSITORY,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._process is not None
        if kind is not None:
            print("\n".join(self.lines[-LINES_ON_FAILURE:]))
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)

    def _link_weights(self) -> None:
        if self._model == "off":
            return
        sizes = {"small": "0.5b", "large": "1.5b"}
        name = f"qwen2.5-coder-{sizes[self._model]}-instruct-q4_k_m.gguf"
        target = self.data / "weights" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.hardlink_to(REPOSITORY / "data" / "weights" / name)

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

    # what is going on

    @property
    def log(self) -> str:
        """Everything that was printed so far."""
        return "\n".join(self.lines)

    @property
    def operator(self) -> tuple[str, str]:
        """Name and password of the first operator, as printed at the first start."""
        found = PASSWORD_LINE.search(self.log)
        assert found is not None, self.log
        return found[1], found[2]

    def wait_on_air(self, limit_s: float = 40.0) -> float:
        """Wait for `/readyz` to say that the picture moves; returns the seconds waited."""
        return wait_until(self.is_ready, limit_s, lambda: self.log)

    def wait_model(self, limit_s: float = 90.0) -> float:
        """Wait until the stage process has warmed the room's persona."""
        return wait_until(lambda: "knows its persona" in self.log, limit_s, lambda: self.log)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(json.load(answer)["rooms"])
        except (OSError, urllib.error.URLError, ValueError):
            return False

    # processes

    @property
    def supervisor(self) -> psutil.Process:
        """The process that runs the others."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def processes(self) -> dict[str, psutil.Process]:
        """The running programs by name."""
        assert self._process is not None
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self._process.pid).children():
            command = " ".join(_command_of(child))
            for name, mark in PROGRAM_MARKS.items():
                if mark in command:
                    found[name] = child
        return found

    def kill(self, name: str) -> None:
        """kill -9 of one program."""
        self.processes()[name].kill()

    # rows

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Read the database of the running system."""
        path = f"file:{self.data / 'footlight.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(path, uri=True, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def execute(self, query: str, *values: Any) -> None:
        """Change a row of the running system, as an operator would through a page."""
        with closing(sqlite3.connect(self.data / "footlight.sqlite3", timeout=20)) as connection, connection:
            connection.execute(query, values)

    def turns(self) -> list[dict[str, Any]]:
        """All turns, oldest first, with their stamps as a mapping."""
        turns = self.rows("SELECT * FROM chat_turn ORDER BY id")
        return [{**turn, "stamps": json.loads(turn["stamps"])} for turn in turns]


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait_until(condition: Any, limit_s: float, explain: Any = lambda: "") -> float:
    """Ask `condition` ten times a second; returns the seconds it took, raises AssertionError past the limit."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            raise AssertionError(f"waited {limit_s} s in vain\n{explain()}")
        time.sleep(0.1)
    return time.monotonic() - began


def poll(condition: Any, limit_s: float) -> Iterator[float]:
    """Yield the seconds passed until `condition` holds or the limit is over."""
    began = time.monotonic()
    while not condition() and time.monotonic() - began < limit_s:
        yield time.monotonic() - began
        time.sleep(0.05)
