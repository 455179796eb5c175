"""The same as chaos.py on PostgreSQL, Redis and RabbitMQ: two web copies, two stages, render, worker and beat.

A killed program is started again a second later, as systemd or Docker would do it. Of the web copies and of the stages
one is killed at random each time, the holder of the room among them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

from benchmarks.chaos import ENDED_WITHIN_S, PAUSE_S, UNFINISHED, Chatter, count_heard_twice
from benchmarks.failover import add_services
from benchmarks.figures import build_parser, publish
from tests.support.live_system import wait_until
from tests.support.service_system import ServiceSystem
from tests.support.socket_viewer import SocketViewer

PROGRAMS = {
    "web": ("web-0", "web-1"),
    "render": ("render",),
    "stage": ("stage-0", "stage-1"),
    "worker": ("worker",),
    "beat": ("beat",),
}
CHATTERS = 3
STARTED_AGAIN_AFTER_S = 1.0
BACK_WITHIN_S = 240.0


def fetch_cookie(system: ServiceSystem, copy: int) -> str:
    """The cookie that a browser gets with the room's page."""
    with urllib.request.urlopen(f"{system.url(copy)}/r/mira/", timeout=20) as page:
        return "; ".join(value.split(";")[0] for name, value in page.headers.items() if name.lower() == "set-cookie")


async def kill_all(system: ServiceSystem, times: int, chance: random.Random) -> dict[str, float]:
    """Kill each kind `times` in a random order; the longest time that each was away."""
    order = [kind for kind in PROGRAMS for _ in range(times)]
    chance.shuffle(order)
    away_s: dict[str, float] = dict.fromkeys(PROGRAMS, 0.0)
    for number, kind in enumerate(order):
        await asyncio.sleep(chance.uniform(*PAUSE_S))
        program = chance.choice(PROGRAMS[kind])
        killed = time.monotonic()
        await asyncio.to_thread(system.kill, program)
        await asyncio.sleep(STARTED_AGAIN_AFTER_S)
        await asyncio.to_thread(system.start, program)
        await asyncio.to_thread(system.wait_on_air, BACK_WITHIN_S)
        took_s = time.monotonic() - killed
        away_s[kind] = max(away_s[kind], took_s)
        print(f"{number + 1}/{len(order)} {program} back after {took_s:.1f} s", flush=True)
    return away_s


async def run(system: ServiceSystem, args: argparse.Namespace) -> dict[str, float]:
    chance = random.Random(args.seed)
    async with contextlib.AsyncExitStack() as stack:
        viewers = []
        for number in range(CHATTERS):
            copy = number % 2
            viewer = SocketViewer(system.ws_url(copy), name=f"C{number}", cookie=fetch_cookie(system, copy))
            viewers.append(await stack.enter_async_context(viewer))
        chatters = [Chatter(v, f"C{n}", random.Random(args.seed + n)) for n, v in enumerate(viewers)]
        tasks = [asyncio.create_task(chatter.run()) for chatter in chatters]
        away_s = await kill_all(system, args.times, chance)
        await asyncio.sleep(5)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(AssertionError):
            await asyncio.to_thread(wait_until, lambda: not system.rows(UNFINISHED), ENDED_WITHIN_S)
        left = system.rows(UNFINISHED)
        rows = {row["id"] for row in system.rows("SELECT id FROM chat_message")}
        accepted = {pk for chatter in chatters for pk in chatter.accepted.values()}
        print("unfinished:", left)
        states = Counter(row["state"] for row in system.rows("SELECT state FROM chat_message"))
        return {
            "kills_per_type": args.times,
            "messages": len(rows),
            **{f"messages_{state}": count for state, count in states.items()},
            "messages_without_end": len(left) + len(accepted - rows),
            "sentences_heard_twice": count_heard_twice(system, viewers),
            **{f"{kind}_away_max_s": seconds for kind, seconds in away_s.items()},
            "load_average": os.getloadavg()[0],
        }


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--times", type=int, default=5, help="kills of each kind of process")
    parser.add_argument("--seed", type=int, default=1)
    add_services(parser)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="footlight-") as folder,
        ServiceSystem(Path(folder), args.database, args.redis, args.broker, first_port=8900) as system,
    ):
        for program in ("stage-1", "worker", "beat"):
            system.start(program)
        system.wait_on_air(300)
        figures = asyncio.run(run(system, args))
    publish(figures, args.json)


if __name__ == "__main__":
    main()
