"""The same as chaos.py on PostgreSQL, Redis and RabbitMQ: two web copies, two stages, render, worker and beat.

A killed program is started again a second later, as systemd or Docker would do it. Of the web copies and of the stages
one is killed at random each time, the holder of the room among them.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.chat_under_kills import PAUSE_S, add_kill_options, chat_under_kills
from benchmarks.failover import add_services
from benchmarks.figures import build_parser, publish
from tests.support.service_system import ServiceSystem

PROGRAMS = {
    "web": ("web-0", "web-1"),
    "render": ("render",),
    "stage": ("stage-0", "stage-1"),
    "worker": ("worker",),
    "beat": ("beat",),
}
STARTED_AGAIN_AFTER_S = 1.0
BACK_WITHIN_S = 240.0


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


def main() -> None:
    parser = build_parser(__doc__)
    add_kill_options(parser)
    add_services(parser)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="footlight-") as folder,
        ServiceSystem(Path(folder), args.database, args.redis, args.broker, first_port=8900) as system,
    ):
        for program in ("stage-1", "worker", "beat"):
            system.start(program)
        system.wait_on_air(300)
        copies = [(system.url(copy), system.ws_url(copy)) for copy in (0, 1)]
        figures = asyncio.run(chat_under_kills(system, copies, partial(kill_all, system, args.times), args))
    publish(figures, args.json)


if __name__ == "__main__":
    main()
