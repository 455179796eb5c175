"""A long evening: does sound stay with the picture, does the picture stay with the clock, does memory stay flat?

Real run, `--hours`: a whole Footlight; one socket viewer stays from first to last and reads both decode times of every
fragment, others come, write and go all the time. Simulated run, `--simulated-hours`: see `simulated_night.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from avatar_engine.timing import samples_to_ms
from benchmarks.figures import build_parser, percentile, publish
from benchmarks.fragment_times import PICTURE, SOUND, read_decode_times
from benchmarks.simulated_night import measure_simulated
from tests.support.live_system import LiveSystem

ACK_EVERY = 12
HEADER_BYTES = 24
IDLE_CLIP = 8
WINDOW_S = 10.0
SAMPLE_EVERY_S = 10.0
SAY_EVERY_S = 30.0
MB = 1_000_000
LINES = ("What do you think of the sea?", "Tell me something short.", "Who are you?", "Where is the harbour?")


@dataclass
class Positions:
    """What the fragments said. Lists have one entry for each WINDOW_S."""

    lead_samples: list[int] = field(default_factory=list)
    """How far the sound's tfdt is before the picture's: the largest of the window."""
    late_ms: list[float] = field(default_factory=list)
    """Arrival against room pts, from an arbitrary zero: the smallest of the window, so that waiting does not count."""
    fragments: int = 0
    held: int = 0
    gaps: int = 0
    joins: int = 0


async def watch(url: str, origin: str, ends: float, seen: Positions) -> None:
    """Be the viewer who stays; dials again where the socket breaks, as the page does."""
    while time.monotonic() < ends:
        seen.joins += 1
        try:
            await _watch_once(url, origin, ends, seen)
        except (OSError, WebSocketException, TimeoutError):
            await asyncio.sleep(0.5)


async def _watch_once(url: str, origin: str, ends: float, seen: Positions) -> None:
    last_pts, replayed, window_ends = None, 100, time.monotonic() + WINDOW_S
    leads: list[int] = []
    lates: list[float] = []
    async with connect(url, origin=origin, max_size=None, proxy=None, compression=None) as socket:
        while time.monotonic() < ends:
            data = await asyncio.wait_for(socket.recv(), 10)
            if isinstance(data, str) or data[0] != 2:
                continue
            seq, pts = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:16], "little")
            seen.fragments += 1
            if seen.fragments % ACK_EVERY == 1:
                await socket.send(json.dumps({"type": "ack", "seq": seq, "displayed": pts}))
            times = read_decode_times(data[HEADER_BYTES:])
            seen.gaps += last_pts is not None and pts != last_pts + 1920
            seen.held += bool(data[1] & IDLE_CLIP)
            last_pts = pts
            replayed -= 1
            if replayed > 0:  # what a joiner gets at once says nothing about time
                continue
            leads.append(times[PICTURE] - times[SOUND])
            lates.append(time.monotonic() * 1000 - samples_to_ms(pts))
            if time.monotonic() > window_ends:
                seen.lead_samples.append(max(leads, key=abs))
                seen.late_ms.append(min(lates))
                leads, lates, window_ends = [], [], time.monotonic() + WINDOW_S


async def chat(system: LiveSystem, ends: float) -> int:
    """Viewers who come, watch for some seconds, write and go; returns how many messages were accepted."""
    accepted = 0
    number = 0
    while time.monotonic() < ends:
        began = time.monotonic()
        number += 1
        try:
            accepted += await _visit(system, number)
        except (OSError, WebSocketException, TimeoutError):
            pass
        await asyncio.sleep(max(0.0, SAY_EVERY_S - (time.monotonic() - began)))
    return accepted


async def _visit(system: LiveSystem, number: int) -> bool:
    room = f"{system.ws_url}/ws/rooms/mira"
    async with (
        connect(f"{room}/chat/", origin=system.url, proxy=None) as socket,
        connect(f"{room}/media/", origin=system.url, proxy=None, max_size=None) as media,
    ):
        await socket.send(json.dumps({"type": "hello", "name": f"Guest {number}", "language": "en"}))
        message = {"type": "message", "client_id": f"night-{number}", "text": LINES[number % len(LINES)]}
        await socket.send(json.dumps(message))
        for _ in range(50):
            await asyncio.wait_for(media.recv(), 5)
        async with asyncio.timeout(10):
            async for data in socket:
                if json.loads(data)["type"] in ("accepted", "rejected"):
                    return json.loads(data)["type"] == "accepted"
    return False


async def sample_memory(system: LiveSystem, ends: float) -> dict[str, list[tuple[float, float]]]:
    """(seconds, resident megabytes) of each process, and the size of the folders that grow."""
    samples: dict[str, list[tuple[float, float]]] = {}
    began = time.monotonic()
    while time.monotonic() < ends:
        for name, process in {**system.processes(), "live": system.supervisor}.items():
            try:
                rss = process.memory_info().rss / MB
            except psutil.Error:
                continue
            samples.setdefault(name, []).append((time.monotonic() - began, rss))
        await asyncio.sleep(SAMPLE_EVERY_S)
    return samples


def growth_per_hour(samples: list[tuple[float, float]], settle_s: float) -> float:
    """Megabytes an hour: the slope of a straight line through everything after `settle_s`."""
    late = [(at / 3600, rss) for at, rss in samples if at >= settle_s]
    if len(late) < 3:
        return float("nan")
    hours, rss = zip(*late, strict=True)
    return float(np.polyfit(hours, rss, 1)[0])


async def measure_real(args: argparse.Namespace) -> dict[str, float]:
    """Run for `--hours` and look."""
    seen = Positions()
    with tempfile.TemporaryDirectory(prefix="footlight-") as folder:
        with LiveSystem(Path(folder), first_port=args.port) as system:
            system.wait_on_air()
            system.execute("UPDATE chat_room SET idle_after_s = 60")
            await asyncio.sleep(15)
            ends = time.monotonic() + args.hours * 3600
            url = f"{system.ws_url}/ws/rooms/mira/media/"
            _, accepted, memory = await asyncio.gather(
                watch(url, system.url, ends, seen), chat(system, ends), sample_memory(system, ends)
            )
            restarts = sum("starts again in" in line for line in system.lines)
            slips = sum(" slipped by " in line for line in system.lines)
            turns = system.rows("SELECT count(*) AS n FROM chat_turn")[0]["n"]
            if args.log is not None:
                args.log.write_text(system.log, encoding="utf-8")
    if args.memory is not None:
        args.memory.write_text(json.dumps(memory), encoding="utf-8")
    growth = {name: growth_per_hour(samples, args.settle) for name, samples in memory.items()}
    edge = max(1, len(seen.late_ms) // 20)
    drift = percentile(seen.late_ms[-edge:], 0.5) - percentile(seen.late_ms[:edge], 0.5)
    figures = {
        "hours": args.hours,
        "av_drift_ms": samples_to_ms(max(seen.lead_samples) - min(seen.lead_samples)),
        "clock_drift_ms": drift,
        "fragments": float(seen.fragments),
        "held_fragments": float(seen.held),
        "gaps": float(seen.gaps),
        "joins": float(seen.joins),
        "messages": float(accepted),
        "turns": float(turns),
        "slips": float(slips),
        "restarts": float(restarts),
    }
    for name, samples in memory.items():
        figures[f"rss_{name}_last_mb"] = samples[-1][1]
        figures[f"rss_{name}_growth_mb_per_hour"] = growth[name]
    figures["rss_growth_mb_2h"] = 2 * sum(max(0.0, value) for value in growth.values())
    return figures


def measure(args: argparse.Namespace) -> None:
    """Both runs, where wanted."""
    figures: dict[str, float] = {}
    if args.simulated_hours:
        figures |= measure_simulated(args.simulated_hours)
    if args.hours:
        figures |= asyncio.run(measure_real(args))
    notes = {"rss_growth_mb_2h": "slope of all processes together; drawn out to 2 h where the run is shorter"}
    publish(figures, args.json, notes)


if __name__ == "__main__":
    parser = build_parser(__doc__)
    parser.add_argument("--hours", type=float, default=2.0, help="length of the real run; 0 leaves it out")
    parser.add_argument("--simulated-hours", type=float, default=24.0, help="length of the simulated run; 0: none")
    parser.add_argument("--settle", type=float, default=300, help="seconds before memory counts")
    parser.add_argument("--port", type=int, default=8400, help="first port to try")
    parser.add_argument("--memory", type=Path, metavar="FILE", help="write every sample of memory here")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the console of the real run here")
    measure(parser.parse_args())
