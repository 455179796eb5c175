"""`make live` opens the house in order and closes it whole."""

import asyncio
import os
import signal
import socket
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mysite.child import Program
from mysite.env import Env, read_env
from mysite.supervisor import Plan, Supervisor, build_plan

# Answers /healthz at once and /readyz when the file `moving` is there.
WEB = """
    import http.server, pathlib, sys
    port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            ok = self.path == "/healthz" or (folder / "moving").exists()
            self.send_response(200 if ok else 503)
            self.end_headers()
        def log_message(self, *args):
            pass
    http.server.HTTPServer(("127.0.0.1", port), Page).serve_forever()
"""
SLEEPER = "import os, time; print('pid', os.getpid(), os.environ['FOOTLIGHT_PROCESS']); time.sleep(60)"


class House:
    """A supervisor with two small processes in place of the real ones."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.lines: list[str] = []
        self.said = asyncio.Event()
        self.moving = folder / "moving"
        env: Env = replace(read_env({**os.environ, "PORT": str(port)}), data_dir=folder)
        web = Program("web", (sys.executable, "-c", textwrap.dedent(WEB), str(port), str(folder)))
        late = Program("late", (sys.executable, "-c", SLEEPER))
        self.supervisor = Supervisor(env, Plan((web,), (late,), 9), self.say, time.monotonic())

    def say(self, name: str, text: str) -> None:
        self.lines.append(f"{name}: {text}")
        self.said.set()

    def has(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    async def wait_for(self, words: str) -> None:
        async with asyncio.timeout(15):
            while not self.has(words):
                self.said.clear()
                await self.said.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_rest_starts_when_the_picture_moves_and_one_signal_ends_all(
    tmp_path: Path, number: signal.Signals
) -> None:
    house = House(tmp_path)
    running = asyncio.create_task(house.supervisor.run())
    await house.wait_for("live: page is up")
    assert not house.has("late:")
    assert not house.has("ON AIR")
    house.moving.touch()
    await house.wait_for("live: ON AIR after")
    await house.wait_for("late: pid")
    pid = int(next(line for line in house.lines if line.startswith("late: pid")).split()[2])
    assert house.has(f"late: pid {pid} late")
    os.kill(os.getpid(), number)
    await asyncio.wait_for(running, 10)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_rest_starts_without_a_picture_when_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mysite.supervisor.ON_AIR_FIRST_FOR_S", 0.1)
    house = House(tmp_path)
    running = asyncio.create_task(house.supervisor.run())
    await house.wait_for("late: pid")
    assert not house.has("ON AIR")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 10)


def test_plan_names_every_process_once_and_web_listens_where_it_was_told() -> None:
    plan = build_plan(read_env({"HOST": "10.1.2.3", "PORT": "8080"}), 8089)
    assert plan.names == ["live", "web", "render", "stage", "weights", "llm", "worker", "beat"]
    web, render, _ = plan.first
    assert web.argv[web.argv.index("-b") + 1] == "10.1.2.3"
    assert web.argv[web.argv.index("-p") + 1] == "8080"
    assert "ws://10.1.2.3:8080/ws/link/" in render.argv


def test_forwarded_addresses_are_believed_only_behind_a_proxy() -> None:
    assert "--proxy-headers" not in build_plan(read_env({"PUBLIC_URL": "https://a.example"}), 8089).first[0].argv
    assert "--proxy-headers" in build_plan(read_env({"FOOTLIGHT_BEHIND_PROXY": "1"}), 8089).first[0].argv


def test_plan_without_a_language_model_of_its_own() -> None:
    assert not {"llm", "weights"} & set(build_plan(read_env({"FOOTLIGHT_LLM": "off"}), 8089).names)
