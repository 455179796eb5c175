"""The disk of the data folder runs full: the picture goes on, no process dies, and all goes on when there is room."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live_system import LiveSystem
from tests.support.socket_viewer import SocketViewer

pytestmark = pytest.mark.journey

DISK_MB = 64
FULL_S = 10.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=700", "tmpfs", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(path: Path) -> None:
    """Write until not one more byte fits."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


async def test_full_disk_stops_no_process_and_no_picture(small_disk: Path) -> None:
    with LiveSystem(small_disk, first_port=8460) as system:
        system.wait_on_air(60)
        async with SocketViewer(system.ws_url) as viewer:
            first = await viewer.say("Are you there?")
            await viewer.wait(lambda: viewer.state_of(first) == "answered", 40)
            lines, processes = len(system.lines), {name: p.pid for name, p in system.processes().items()}
            fill(small_disk / "filler")
            fragments = len(viewer.fragments)
            with pytest.raises(AssertionError, match="not_saved"):
                await viewer.say("Do you hear me?")
            await asyncio.sleep(FULL_S)
            live = [f for f in viewer.fragments[fragments:] if not f.held]
            assert len(live) > FULL_S * 20
            os.unlink(small_disk / "filler")
            assert {name: p.pid for name, p in system.processes().items()} == processes
            assert not [line for line in system.lines[lines:] if "starts again in" in line]
            again = await viewer.say("And now?")
            await viewer.wait(lambda: viewer.state_of(again) == "answered", 40)
