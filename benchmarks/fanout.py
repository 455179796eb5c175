"""Fan-out: how late fragments reach many viewers of one room, and what each costs the web process.

One daphne process serves the media consumer alone; the viewers run in this process, each from a loopback address of
its own, and acknowledge as a page does. Lateness counts from the moment the hub is given a frame until a viewer has
it whole.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import socket
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect

from avatar_engine.stream.encoder import GOP_FRAMES, H264OpusEncoder
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import FPS, SAMPLES_PER_FRAME
from frontend.consumers import ACK_EVERY, MediaConsumer
from frontend.hub import MediaHub
from frontend.media_message import HEADER, KIND_FRAGMENT

SIDE = 512
SLUG = "fanout"
SETTLE_S = 2.0
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def encode_loop() -> list[MediaEnvelope]:
    """One group of pictures of a soft moving pattern, about as many bytes as a talking head, with speech-like noise."""
    encoder = H264OpusEncoder(SIDE, SIDE)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    rng = np.random.default_rng(1)
    envelopes = []
    for number in range(GOP_FRAMES):
        waves = [np.sin((x * k + number * 3) / 29) * np.cos((y - number * k) / 31) for k in (1.0, 1.4, 1.9)]
        rgb = (np.stack(waves, axis=-1) * 90 + 128).astype(np.uint8)
        pcm = rng.normal(0, 2500, SAMPLES_PER_FRAME).astype(np.int16)
        pts = number * SAMPLES_PER_FRAME
        envelopes.append(encoder.encode(rgb, pcm, epoch=1, pts=pts, speaking=False, generation=0))
    return envelopes


class Show:
    """Publishes the loop at its pace from the first viewer on."""

    def __init__(self, hub: MediaHub, envelopes: list[MediaEnvelope]) -> None:
        self._hub = hub
        self._envelopes = envelopes
        self._task: asyncio.Task[None] | None = None

    async def room_exists(self, slug: str) -> bool:
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return slug == SLUG

    async def _run(self) -> None:
        room, started, number = self._hub.room(SLUG), time.monotonic(), 0
        while True:
            envelope = self._envelopes[number % len(self._envelopes)]
            wall_us = int(time.time() * 1_000_000)
            room.publish(replace(envelope, seq=number, pts=number * SAMPLES_PER_FRAME, wall_us=wall_us))
            number += 1
            await asyncio.sleep(max(0.0, started + number / FPS - time.monotonic()))


def serve(port: int) -> None:
    """The web process: daphne and nothing but the media consumer."""
    from channels.routing import URLRouter
    from daphne.server import Server
    from django.conf import settings
    from django.urls import path

    settings.configure()

    hub = MediaHub()
    show = Show(hub, encode_loop())
    consumer = MediaConsumer.as_asgi(hub=hub, room_exists=show.room_exists)
    routes = URLRouter([path("ws/rooms/<slug:slug>/media/", consumer)])
    Server(routes, endpoints=[f"tcp:{port}:interface=127.0.0.1"], signal_handlers=False).run()


async def watch(number: int, port: int, measuring: asyncio.Event, late_ms: list[float]) -> None:
    """One viewer, until cancelled."""
    address = f"127.1.{number // 250}.{number % 250 + 1}"
    uri = f"ws://127.0.0.1:{port}/ws/rooms/{SLUG}/media/"
    received = 0
    async with connect(uri, local_addr=(address, 0), compression=None, max_queue=None) as page:
        async for message in page:
            if isinstance(message, str) or message[0] != KIND_FRAGMENT:
                continue
            _, _, _, seq, room_pts, wall_ms = HEADER.unpack_from(message)
            if measuring.is_set():
                late_ms.append(time.time() * 1000 - wall_ms)
            received += 1
            if received == 1 or received % ACK_EVERY == 0:
                await page.send(json.dumps({"type": "ack", "seq": seq, "displayed": room_pts}))


def read_cpu_s(pid: int) -> float:
    """CPU time of a process so far, Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def read_rss_mb(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def measure(pid: int, port: int, viewers: int, seconds: float) -> dict[str, float]:
    """Connect everybody, let it settle, measure."""
    measuring, late_ms = asyncio.Event(), []
    pages = []
    for number in range(viewers):
        pages.append(asyncio.create_task(watch(number, port, measuring, late_ms)))
        await asyncio.sleep(0.01)
    await asyncio.sleep(SETTLE_S)
    for page in pages:
        if page.done():
            raise SystemExit(f"a viewer lost its socket: {page.exception()}")
    cpu_s, began = read_cpu_s(pid), time.monotonic()
    measuring.set()
    await asyncio.sleep(seconds)
    measuring.clear()
    cpu_s, took_s = read_cpu_s(pid) - cpu_s, time.monotonic() - began
    figures = {
        "fanout_viewers": viewers,
        "fanout_p50_ms": round(statistics.median(late_ms), 1),
        "fanout_p95_ms": round(statistics.quantiles(late_ms, n=20)[18], 1),
        "fanout_us_per_message": round(cpu_s * 1e6 / len(late_ms), 1),
        "fanout_cpu_percent": round(100 * cpu_s / took_s, 1),
        "fanout_delivered_percent": round(100 * len(late_ms) / (viewers * took_s * FPS), 1),
        "fanout_rss_mb": round(read_rss_mb(pid), 1),
    }
    for page in pages:
        page.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return figures


def wait_for_port(port: int, limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not come up")


def describe_machine() -> dict[str, object]:
    return {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    server.start()
    try:
        wait_for_port(port)
        figures = asyncio.run(measure(server.pid, port, options.viewers, options.seconds))
    finally:
        server.terminate()
        server.join()
    for name, value in figures.items():
        print(f"{name:28} {value}")
    if options.json:
        options.json.write_text(json.dumps({"machine": describe_machine(), "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
