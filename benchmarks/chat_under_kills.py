"""People who chat while something is killed, and what counts as lost or heard twice."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable

from websockets.exceptions import WebSocketException

from tests.support.live_system import LiveSystem, wait_until
from tests.support.service_system import ServiceSystem
from tests.support.socket_viewer import SocketViewer

PAUSE_S = (1.0, 6.0)
"""Between two kills."""
CHATTERS = 3
ENDED_WITHIN_S = 240.0
UNFINISHED = "SELECT id, state FROM chat_message WHERE state NOT IN ('answered', 'shed', 'failed')"

System = LiveSystem | ServiceSystem
KillAll = Callable[[random.Random], Awaitable[dict[str, float]]]
"""Kills everything in a random order; returns the longest seconds that each kind was away."""


def fetch_cookie(url: str) -> str:
    """The cookie that a browser gets with the room's page."""
    with urllib.request.urlopen(f"{url}/r/mira/", timeout=20) as page:
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


def count_heard_twice(system: System, viewers: list[SocketViewer]) -> int:
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


async def chat_under_kills(
    system: System, copies: list[tuple[str, str]], kill_all: KillAll, args: argparse.Namespace
) -> dict[str, float]:
    """Three people chat through `copies`, (page URL, socket URL) of each web copy in turn, while `kill_all` kills."""
    async with contextlib.AsyncExitStack() as stack:
        viewers = []
        for number in range(CHATTERS):
            url, ws_url = copies[number % len(copies)]
            viewer = SocketViewer(ws_url, name=f"C{number}", cookie=fetch_cookie(url))
            viewers.append(await stack.enter_async_context(viewer))
        chatters = [Chatter(v, f"C{n}", random.Random(args.seed + n)) for n, v in enumerate(viewers)]
        tasks = [asyncio.create_task(chatter.run()) for chatter in chatters]
        away_s = await kill_all(random.Random(args.seed))
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


def add_kill_options(parser: argparse.ArgumentParser) -> None:
    """How many kills, and of which chance."""
    parser.add_argument("--times", type=int, default=5, help="kills of each kind of process")
    parser.add_argument("--seed", type=int, default=1)
