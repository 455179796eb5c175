"""A backup that is made while people chat holds everything that was accepted before it, and can be put back."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mysite.env import REPOSITORY
from tests.support.live_system import LiveSystem
from tests.support.socket_viewer import SocketViewer

pytestmark = pytest.mark.journey


async def manage(data: Path, port: int, *arguments: str) -> tuple[int, str]:
    """Run a command on a data folder; returns its status and what it said."""
    environ = {**os.environ, "DATA": str(data), "PORT": str(port), "DJANGO_SETTINGS_MODULE": "mysite.settings.base"}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


async def test_backup_under_chat_load_can_be_restored(system: LiveSystem, tmp_path: Path) -> None:
    target = tmp_path / "night.tar.gz"
    accepted: list[int] = []

    async def chat(viewer: SocketViewer) -> None:
        while True:
            accepted.append(await viewer.say("How are you?"))
            await asyncio.sleep(1.2)

    async with SocketViewer(system.ws_url) as ada, SocketViewer(system.ws_url, name="Bob") as bob:
        tasks = [asyncio.create_task(chat(viewer)) for viewer in (ada, bob)]
        await ada.wait(lambda: len(accepted) >= 4, 20)
        before, fragments = list(accepted), len(ada.fragments)
        status, said = await manage(system.data, system.port, "backup", str(target))
        assert status == 0, said
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not any(fragment.held for fragment in ada.fragments[fragments:])
    status, said = await manage(system.data, system.port, "restore", str(target))
    assert status == 1
    assert "already runs" in said

    restored = LiveSystem(tmp_path / "restored")
    status, said = await manage(restored.data, restored.port, "restore", str(target))
    assert status == 0, said
    kept = {row["id"] for row in restored.rows("SELECT id FROM chat_message")}
    assert set(before) <= kept
    with restored:
        restored.wait_on_air(60)
        async with SocketViewer(restored.ws_url) as viewer:
            message = await viewer.say("Do you still know us?")
            await viewer.wait(lambda: viewer.state_of(message) == "answered", 60)
    states = {row["state"] for row in restored.rows("SELECT state FROM chat_message")}
    assert states <= {"answered", "shed", "failed"}
