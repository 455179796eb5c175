"""What a room on air costs while nobody speaks: processor time of all processes, one acknowledging socket viewer."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

import psutil
from websockets.asyncio.client import connect

from benchmarks.figures import build_parser, publish
from tests.support.live_system import LiveSystem

ACK_EVERY = 12
HEADER_BYTES = 24


async def watch(url: str, origin: str, seconds: float) -> int:
    """Be one viewer for a while; returns the number of fragments."""
    count = 0
    async with connect(url, origin=origin, max_size=None, proxy=None) as socket:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            data = await socket.recv()
            if isinstance(data, str) or data[0] != 2:
                continue
            count += 1
            if count == 1 or count % ACK_EVERY == 0:
                seq = int.from_bytes(data[4:8], "little")
                pts = int.from_bytes(data[8:16], "little")
                await socket.send(json.dumps({"type": "ack", "seq": seq, "displayed": pts}))
    return count


def cpu_seconds(processes: dict[str, psutil.Process]) -> dict[str, float]:
    """Processor time of each program and its children so far."""
    spent = {}
    for name, process in processes.items():
        family = [process, *process.children(recursive=True)]
        spent[name] = sum(t.user + t.system for t in (member.cpu_times() for member in family))
    return spent


async def measure(args: argparse.Namespace) -> None:
    """Wait until everything has settled, then count for `--seconds`."""
    with tempfile.TemporaryDirectory(prefix="footlight-") as folder:
        with LiveSystem(Path(folder), model="large") as system:
            system.wait_on_air()
            system.wait_model()
            system.execute("UPDATE chat_room SET greeting = '', idle_lines = '[]'")
            url = f"{system.ws_url}/ws/rooms/mira/media/"
            await watch(url, system.url, args.settle)
            processes = system.processes()
            before, began = cpu_seconds(processes), time.monotonic()
            own = system.supervisor.cpu_times()
            count = await watch(url, system.url, args.seconds)
            wall = time.monotonic() - began
            after, own_after = cpu_seconds(processes), system.supervisor.cpu_times()
    shares = {name: (after[name] - before[name]) / wall * 100 for name in before}
    shares["live"] = (own_after.user + own_after.system - own.user - own.system) / wall * 100
    cores = psutil.cpu_count() or 1
    figures = {"idle_cpu_percent": sum(shares.values()) / min(cores, 2), "viewer_frames_per_s": count / args.seconds}
    publish(figures | {f"{name}_percent_of_a_core": share for name, share in shares.items()}, args.json)


if __name__ == "__main__":
    parser = build_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=40, help="how long is counted")
    parser.add_argument("--settle", type=float, default=25, help="how long is waited before")
    asyncio.run(measure(parser.parse_args()))
