"""Flood: many pages write into one room of a whole running Footlight, and some watch.

Each chat socket and each viewer has a loopback address of its own, as people have; no limit is lifted. Measured is the
time from sending a message to its acknowledgement, what got lost, and how the web process grew. At the end the show is
ended as an operator does, and every accepted message must have an end state.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.figures import build_parser, percentile, publish
from tests.support.console import Console
from tests.support.live_system import LiveSystem, wait_until

SLUG = "mira"
DIALS_AT_ONCE = 10
ANSWER_WITHIN_S = 10.0
ENDS = ("answered", "shed", "failed")


def address(number: int) -> tuple[str, int]:
    """A loopback address that no other socket of this run has."""
    return f"127.0.{number // 250 + 1}.{number % 250 + 1}", 0


@dataclass
class Load:
    """What all sockets of the run saw."""

    sent_at: dict[str, float] = field(default_factory=dict)
    accept_ms: list[float] = field(default_factory=list)
    accepted: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    bytes: int = 0
    fragments: int = 0
    lost_sockets: int = 0

    def take(self, text: str) -> None:
        """One frame of a chat socket. Only what concerns its own messages is parsed."""
        self.frames += 1
        self.bytes += len(text)
        if text.startswith('{"type":"accepted"'):
            event = json.loads(text)
            self.accept_ms.append((time.monotonic() - self.sent_at[event["client_id"]]) * 1000)
            self.accepted[event["client_id"]] = event["id"]
        elif text.startswith('{"type":"rejected"'):
            event = json.loads(text)
            self.rejected[event["client_id"]] = self.rejected.get(event["client_id"], 0) + 1


class Crowd:
    """The pages: chat sockets that write in turn, and viewers that acknowledge."""

    def __init__(self, system: LiveSystem, load: Load) -> None:
        self._url = f"{system.ws_url}/ws/rooms/{SLUG}"
        self._origin = system.url
        self._load = load
        self._chats: list[ClientConnection] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._dialling = asyncio.Semaphore(DIALS_AT_ONCE)

    async def join(self, chats: int, viewers: int) -> None:
        self._tasks = [asyncio.create_task(self._watch(chats + n)) for n in range(viewers)]
        await asyncio.gather(*(self._chat(number) for number in range(chats)))

    async def _dial(self, path: str, number: int) -> ClientConnection:
        async with self._dialling:
            return await connect(
                f"{self._url}/{path}/",
                origin=self._origin,
                local_addr=address(number),
                compression=None,
                max_size=None,
                proxy=None,
                ping_interval=None,
            )

    async def _chat(self, number: int) -> None:
        page = await self._dial("chat", number)
        await page.send(json.dumps({"type": "hello", "name": f"V{number}", "language": "en"}))
        while not str(await page.recv()).startswith('{"type":"welcome"'):
            pass
        self._chats.append(page)
        self._tasks.append(asyncio.create_task(self._read(page)))

    async def _read(self, page: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._load.take(str(await page.recv()))
        self._load.lost_sockets += 1

    async def _watch(self, number: int) -> None:
        page, count = await self._dial("media", number), 0
        with contextlib.suppress(ConnectionClosed):
            async for data in page:
                if isinstance(data, bytes) and data[0] == 2:
                    count += 1
                    self._load.fragments += 1
                    if count == 1 or count % 12 == 0:
                        seq, pts = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:16], "little")
                        await page.send(json.dumps({"type": "ack", "seq": seq, "displayed": pts}))
        self._load.lost_sockets += 1

    async def flood(self, per_second: float, seconds: float) -> None:
        """Write round the circle, evenly."""
        began, total = time.monotonic(), int(per_second * seconds)
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            client_id = f"m{number}"
            text = json.dumps({"type": "message", "client_id": client_id, "text": f"Question {number}: how are you?"})
            self._load.sent_at[client_id] = time.monotonic()
            await self._chats[number % len(self._chats)].send(text)
        answered = asyncio.timeout(ANSWER_WITHIN_S)
        with contextlib.suppress(TimeoutError):
            async with answered:
                while len(self._load.accepted) + len(self._load.rejected) < total:
                    await asyncio.sleep(0.1)

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for page in self._chats:
            page.transport.abort()


async def watch_rss(process: psutil.Process, seen_mb: list[float]) -> None:
    while True:
        seen_mb.append(process.memory_info().rss / 1e6)
        await asyncio.sleep(0.5)


async def flood(system: LiveSystem, args: argparse.Namespace) -> dict[str, float]:
    """Run it against `system`, which is on air."""
    load = Load()
    crowd = Crowd(system, load)
    web = system.processes()["web"]
    await crowd.join(args.chats, args.viewers)
    await asyncio.sleep(2.0)
    rss_mb: list[float] = []
    watching = asyncio.create_task(watch_rss(web, rss_mb))
    await asyncio.sleep(1.0)
    cpu_s, began = sum(web.cpu_times()[:2]), time.monotonic()
    own_cpu_s, fragments = time.process_time(), load.fragments
    await crowd.flood(args.rate, args.seconds)
    took_s = time.monotonic() - began
    cpu_s = sum(web.cpu_times()[:2]) - cpu_s
    own_cpu_s, fragments = time.process_time() - own_cpu_s, load.fragments - fragments
    async with Console(system) as console:
        await console.press(SLUG, "stop")
    await crowd.leave()
    watching.cancel()
    unanswered = len(load.sent_at) - len(load.accepted) - len(load.rejected)
    return {
        "accept_p50_ms": percentile(load.accept_ms, 0.5),
        "accept_p95_ms": percentile(load.accept_ms, 0.95),
        "accept_max_ms": max(load.accept_ms),
        "sent": len(load.sent_at),
        "accepted": len(load.accepted),
        "rejected": len(load.rejected),
        "lost": unanswered + await asyncio.to_thread(count_lost, system, set(load.accepted.values())),
        "lost_sockets": load.lost_sockets,
        "rss_growth_mb": max(rss_mb) - rss_mb[0],
        "web_cpu_percent": 100 * cpu_s / took_s,
        "client_cpu_percent": 100 * own_cpu_s / took_s,
        "video_delivered_percent": 100 * fragments / (args.viewers * took_s * 25),
        "chat_mb_per_s": load.bytes / took_s / 1e6,
        "load_average": os.getloadavg()[0],
    }


def count_lost(system: LiveSystem, accepted: set[int]) -> int:
    """Accepted messages without a row, and rows that reach no end state after the end of the show."""

    def unfinished() -> list[int]:
        marks = ", ".join("?" for _ in ENDS)
        return [row["id"] for row in system.rows(f"SELECT id FROM chat_message WHERE state NOT IN ({marks})", *ENDS)]

    with contextlib.suppress(AssertionError):
        wait_until(lambda: not unfinished(), 15)
    rows = {row["id"] for row in system.rows("SELECT id FROM chat_message")}
    return len(accepted - rows) + len(unfinished())


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--chats", type=int, default=500)
    parser.add_argument("--viewers", type=int, default=5)
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="footlight-") as folder, LiveSystem(Path(folder)) as system:
        system.wait_on_air(90)
        figures = asyncio.run(flood(system, args))
        print("\n".join(line for line in system.lines if "Traceback" in line or "error" in line.lower()))
    publish(figures, args.json)


if __name__ == "__main__":
    main()
