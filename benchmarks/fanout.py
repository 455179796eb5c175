"""Fan-out: how late fragments reach many viewers of one room, and what each costs the web process.

One daphne (or uvicorn) process serves the media consumer alone; the viewers run in this process, each from a loopback
address of its own, and acknowledge as a page does. Lateness counts from the moment the hub is given a frame until a
viewer has it whole. `viewers_at_200ms` is the largest step at which 95 of 100 fragments were at most 200 ms late and
nothing was dropped. At the end viewers that never read are let in: `stalled_viewer_mb` is what each cost.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import secrets
import socket
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from avatar_engine.stream.encoder import GOP_FRAMES, H264OpusEncoder
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import FPS, SAMPLES_PER_FRAME
from benchmarks.figures import build_parser, publish
from frontend.consumers import ACK_EVERY, MediaConsumer
from frontend.hub import MediaHub
from frontend.media_message import HEADER, KIND_FRAGMENT

SIDE = 512
SLUG = "fanout"
SETTLE_S = 2.0
LATE_MS = 200.0
DELIVERED_PERCENT = 99.0
STALLED = 20
STALLED_S = 8.0
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


def serve(port: int, server: str) -> None:
    """The web process: a server and nothing but the media consumer."""
    from channels.routing import URLRouter
    from daphne.server import Server
    from django.conf import settings
    from django.urls import path

    settings.configure()

    hub = MediaHub()
    show = Show(hub, encode_loop())
    consumer = MediaConsumer.as_asgi(hub=hub, room_exists=show.room_exists)
    routes = URLRouter([path("ws/rooms/<slug:slug>/media/", consumer)])
    if server == "daphne":
        Server(routes, endpoints=[f"tcp:{port}:interface=127.0.0.1"], signal_handlers=False).run()
    else:
        import uvicorn

        options = {"lifespan": "off", "log_level": "warning", "ws_per_message_deflate": False}
        uvicorn.run(routes, host="127.0.0.1", port=port, **options)


class Viewer(asyncio.Protocol):
    """One viewer on a bare socket: a library for websockets would cost this machine more than the server does."""

    def __init__(self, measuring: asyncio.Event, late_ms: list[float]) -> None:
        self._measuring = measuring
        self._late_ms = late_ms
        self._buffer = bytearray()
        self._upgraded = False
        self._received = 0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        transport.write(
            f"GET /ws/rooms/{SLUG}/media/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if not self._upgraded:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            del buffer[: end + 4]
            self._upgraded = True
        while len(buffer) >= 2:
            size, start = buffer[1], 2
            if size >= 126:
                start = 4 if size == 126 else 10
                if len(buffer) < start:
                    return
                size = int.from_bytes(buffer[2:start])
            if len(buffer) < start + size:
                return
            if buffer[0] == 0x82 and buffer[start] == KIND_FRAGMENT:
                self._take(bytes(buffer[start : start + HEADER.size]))
            elif buffer[0] == 0x89:
                self._send(0x8A, bytes(buffer[start : start + size]))
            del buffer[: start + size]

    def _take(self, header: bytes) -> None:
        _, _, _, seq, room_pts, wall_ms = HEADER.unpack(header)
        if self._measuring.is_set():
            self._late_ms.append(time.time() * 1000 - wall_ms)
        self._received += 1
        if self._received == 1 or self._received % ACK_EVERY == 0:
            self._send(0x81, json.dumps({"type": "ack", "seq": seq, "displayed": room_pts}).encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        """A short frame; a mask of zeros leaves it as it is."""
        self._transport.write(bytes([opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload)

    def hang(self) -> None:
        """Read no more."""
        self._transport.pause_reading()

    def leave(self) -> None:
        self._transport.abort()


def read_cpu_s(pid: int) -> float:
    """CPU time of a process so far, Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def read_rss_mb(pid: int) -> float:
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class House:
    """All viewers of one run, and what they saw."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port
        self._measuring = asyncio.Event()
        self._late_ms: list[float] = []
        self._viewers: list[Viewer] = []

    async def fill(self, viewers: int) -> None:
        """Let in as many as are missing."""
        loop = asyncio.get_running_loop()
        while len(self._viewers) < viewers:
            number = len(self._viewers)
            address = f"127.1.{number // 250}.{number % 250 + 1}"
            _, viewer = await loop.create_connection(
                lambda: Viewer(self._measuring, self._late_ms), "127.0.0.1", self._port, local_addr=(address, 0)
            )
            self._viewers.append(viewer)
            await asyncio.sleep(0.01)
        await asyncio.sleep(SETTLE_S)

    async def measure(self, seconds: float) -> dict[str, float]:
        """Watch for a while."""
        self._late_ms.clear()
        cpu_s, own_s, began = read_cpu_s(self._pid), time.process_time(), time.monotonic()
        self._measuring.set()
        await asyncio.sleep(seconds)
        self._measuring.clear()
        took_s, late_ms, viewers = time.monotonic() - began, self._late_ms, len(self._viewers)
        cpu_s, own_s = read_cpu_s(self._pid) - cpu_s, time.process_time() - own_s
        return {
            "p50_ms": statistics.median(late_ms),
            "p95_ms": statistics.quantiles(late_ms, n=20)[18],
            "us_per_message": cpu_s * 1e6 / len(late_ms),
            "cpu_percent": 100 * cpu_s / took_s,
            "client_cpu_percent": 100 * own_s / took_s,
            "delivered_percent": 100 * len(late_ms) / (viewers * took_s * FPS),
            "lost_sockets": sum(viewer.lost for viewer in self._viewers),
            "rss_mb": read_rss_mb(self._pid),
        }

    async def stall(self) -> float:
        """Megabytes that each viewer costs who stops to read."""
        await self.fill(len(self._viewers) + STALLED)
        before_mb = read_rss_mb(self._pid)
        for viewer in self._viewers[-STALLED:]:
            viewer.hang()
        await asyncio.sleep(STALLED_S)
        return (read_rss_mb(self._pid) - before_mb) / STALLED

    def leave(self) -> None:
        for viewer in self._viewers:
            viewer.leave()


async def run(pid: int, port: int, args: argparse.Namespace) -> dict[str, float]:
    """Step by step, as long as the fragments come in time."""
    house = House(pid, port)
    name = "viewers_at_200ms" if args.server == "daphne" else "viewers_uvicorn"
    figures: dict[str, float] = {name: 0}
    for viewers in args.steps:
        await house.fill(viewers)
        seen = await house.measure(args.seconds)
        figures |= {f"at_{viewers}_{key}": value for key, value in seen.items()}
        figures[f"at_{viewers}_load_average"] = os.getloadavg()[0]
        if seen["p95_ms"] > LATE_MS or seen["delivered_percent"] < DELIVERED_PERCENT:
            break
        figures[name] = viewers
    house.leave()
    await asyncio.sleep(SETTLE_S)
    house = House(pid, port)
    await house.fill(5)
    figures["stalled_viewer_mb"] = await house.stall()
    house.leave()
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


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--server", choices=("daphne", "uvicorn"), default="daphne")
    parser.add_argument("--steps", type=int, nargs="+", default=[100, 200, 300, 400, 450], help="viewers")
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port, args.server), daemon=True)
    server.start()
    try:
        wait_for_port(port)
        assert server.pid is not None
        figures = asyncio.run(run(server.pid, port, args))
    finally:
        server.terminate()
        server.join()
    publish(figures, args.json)


if __name__ == "__main__":
    main()
