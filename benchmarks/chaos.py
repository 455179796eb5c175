"""Every process of a whole Footlight is killed with -9 at random moments, again and again, while three people chat.

Each chatter keeps sending the same message under the same client_id until it is accepted, as the page does. At the end
every accepted message must have an end state, and nothing may have been heard twice: no sentence at two places of the
stream, no text twice in one turn, no message answered by two turns that were heard.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil

from benchmarks.chat_under_kills import PAUSE_S, add_kill_options, chat_under_kills
from benchmarks.figures import build_parser, publish
from tests.support.live_system import LiveSystem, wait_until
from tests.support.service_system import QUIET

KINDS = ("web", "render", "stage", "worker", "beat")
BACK_WITHIN_S = 60.0


async def kill_all(system: LiveSystem, times: int, chance: random.Random) -> dict[str, float]:
    """Kill each kind `times` in a random order; the longest time that each was away."""
    order = [kind for kind in KINDS for _ in range(times)]
    chance.shuffle(order)
    away_s: dict[str, float] = dict.fromkeys(KINDS, 0.0)
    for number, kind in enumerate(order):
        await asyncio.sleep(chance.uniform(*PAUSE_S))
        processes = await asyncio.to_thread(system.processes)
        pid = processes[kind].pid
        killed = time.monotonic()
        processes[kind].kill()
        await asyncio.to_thread(wait_until, lambda kind=kind, pid=pid: is_back(system, kind, pid), BACK_WITHIN_S)
        took_s = time.monotonic() - killed
        away_s[kind] = max(away_s[kind], took_s)
        print(f"{number + 1}/{len(order)} {kind} back after {took_s:.1f} s", flush=True)
    return away_s


def is_back(system: LiveSystem, kind: str, old_pid: int) -> bool:
    """Another process of this kind runs, and where the page depends on it the picture moves."""
    try:
        process = system.processes().get(kind)
    except psutil.Error:
        return False
    return process is not None and process.pid != old_pid and (kind in ("worker", "beat") or system.is_ready())


def main() -> None:
    parser = build_parser(__doc__)
    add_kill_options(parser)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="footlight-") as folder,
        LiveSystem(Path(folder), first_port=8700) as system,
    ):
        system.wait_on_air(90)
        system.execute(QUIET)
        wait_until(lambda: any((system.data / "idle_clips").glob("*")), 60)
        wait_until(lambda: set(KINDS) <= set(system.processes()), 60)
        copies = [(system.url, system.ws_url)]
        figures = asyncio.run(chat_under_kills(system, copies, partial(kill_all, system, args.times), args))
    publish(figures, args.json)


if __name__ == "__main__":
    main()
