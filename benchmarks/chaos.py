"""Every process of a whole Footlight is killed with -9 at random moments, again and again, while three people chat.

Each chatter keeps sending the same message under the same client_id until it is accepted, as the page does. At the end
every accepted message must have an end state, and nothing may have been heard twice: no sentence at two places of the
stream, no text twice in one turn, no message answered by two turns that were heard.
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

import psutil
from websockets.exceptions import WebSocketException

from benchmarks.figures import build_parser, publish
from tests.support.live_system import LiveSystem, wait_until
from tests.support.service_system import ServiceSystem
from tests.support.socket_viewer import SocketViewer

KINDS = ("web", "render", "stage", "worker", "beat")
CHATTERS = 3
PAUSE_S = (1.0, 6.0)
BACK_WITHIN_S = 60.0
ENDED_WITHIN_S = 240.0
UNFINISHED = "SELECT id, state FROM chat_message WHERE state NOT IN ('answered', 'shed', 'failed')"
QUIET = "UPDATE chat_room SET greeting = '', idle_lines = '[]'"


def fetch_cookie(system: LiveSystem) -> str:
    """The cookie that a browser gets with the room's page."""
    with urllib.request.urlopen(f"{system.url}/r/mira/", timeout=10) as page:
        return "; ".join(value.split(";")[0] for name, value in page.headers.items() if name.lower() == "set-cookie")


class Chatter:
    """Somebody who asks something every few seconds and never gives up."""

    def __init__(self, viewer: SocketViewer, name: str, chance: random.Random) -> None:
        self._viewer = viewer
        self._name = name
        self._chance = chance
        self.accepted: dict[str, int] = {}

    async def run(self) -> None:
        number = 0
        while True:
            number += 1
            await self._ask(f"Question {number} of {self._name}: what do you see?", f"{self._name}-{number}")
            await asyncio.sleep(self._chance.uniform(2.0, 6.0))

    async def _ask(self, text: str, client_id: str) -> None:
        while client_id not in self.accepted:
            with contextlib.suppress(TimeoutError, OSError, WebSocketException, AssertionError):
                self.accepted[client_id] = await self._viewer.say(text, client_id)
            await asyncio.sleep(0.5)


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


def count_heard_twice(system: LiveSystem | ServiceSystem, viewers: list[SocketViewer]) -> int:
    """Sentences that somebody could hear a second time, and messages answered twice."""
    places: dict[int, set[tuple[int, int]]] = {}
    for viewer in viewers:
        for event in viewer.of("reply"):
            if event.get("epoch") is not None:
                places.setdefault(event["sentence"], set()).add((event["epoch"], event["pts"]))
    twice = sum(len(found) > 1 for found in places.values())
    sentences = system.rows("SELECT turn_id, heard FROM chat_sentence WHERE heard != ''")
    texts = Counter((row["turn_id"], row["heard"]) for row in sentences)
    turns = Counter(
        row["message_id"]
        for row in system.rows("SELECT message_id FROM chat_turn WHERE message_id IS NOT NULL AND heard != ''")
    )
    return twice + sum(count - 1 for count in texts.values()) + sum(count - 1 for count in turns.values())


async def run(system: LiveSystem, args: argparse.Namespace) -> dict[str, float]:
    chance = random.Random(args.seed)
    async with contextlib.AsyncExitStack() as stack:
        viewers = []
        for number in range(CHATTERS):
            viewer = SocketViewer(system.ws_url, name=f"C{number}", cookie=fetch_cookie(system))
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
        figures: dict[str, float] = {
            "kills_per_type": args.times,
            "messages": len(rows),
            **{f"messages_{state}": count for state, count in states.items()},
            "messages_without_end": len(left) + len(accepted - rows),
            "sentences_heard_twice": count_heard_twice(system, viewers),
            **{f"{kind}_away_max_s": seconds for kind, seconds in away_s.items()},
            "load_average": os.getloadavg()[0],
        }
    return figures


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--times", type=int, default=5, help="kills of each kind of process")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="footlight-") as folder,
        LiveSystem(Path(folder), first_port=8700) as system,
    ):
        system.wait_on_air(90)
        system.execute(QUIET)
        wait_until(lambda: any((system.data / "idle_clips").glob("*")), 60)
        wait_until(lambda: set(KINDS) <= set(system.processes()), 60)
        figures = asyncio.run(run(system, args))
    publish(figures, args.json)


if __name__ == "__main__":
    main()
