"""On PostgreSQL, Redis and RabbitMQ with two web copies: how long until an answer is heard again after a death?

One viewer watches at the copy that stays. While an answer is spoken something dies: a web copy (-9; in turn the one
that render dialled and the one that stage dialled), the stage that holds the room (-9, another one stands by), the
connections of both copies to Redis, and, where `redis-server` is installed, Redis itself, started again after 1 s. A
message is sent right after. `failover_s` is the worst time until the next sentence begins to be heard, of the same
answer or of the new one; `answer_s` the worst until the new one begins, after the rest of the one before. Messages
without an end state count as lost, sentences heard twice as doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import build_parser, publish
from mysite.machine import find_free_port
from tests.support.service_system import ServiceSystem
from tests.support.socket_viewer import SocketViewer

SPEAKS_WITHIN_S = 60.0
ENDS_WITHIN_S = 60.0
REDIS_AWAY_S = 1.0
IN_FLIGHT_S = 0.3
"""What comes sooner was on its way when the process died."""
END_STATES = {"answered", "shed", "failed"}


class OwnRedis:
    """A Redis of our own that may be killed."""

    def __init__(self, folder: Path) -> None:
        self.port = find_free_port("127.0.0.1", 6400)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def restart(self) -> None:
        """kill -9; everything in it is lost."""
        self.stop()
        time.sleep(REDIS_AWAY_S)
        self.start()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


async def measure_death(system: ServiceSystem, watched: int, die: Callable[[], object]) -> tuple[float, float]:
    """Seconds from the death to the next sentence heard, and to the answer to somebody who asks right after it."""
    async with SocketViewer(system.ws_url(watched)) as viewer:
        await viewer.wait(lambda: len(viewer.fragments) > 25, 20)
        seen = len(viewer.fragments)
        await viewer.say("Tell me about the theatre.")
        await viewer.wait(lambda: any(f.speaking for f in viewer.fragments[seen:]), SPEAKS_WITHIN_S)
        died_s = time.monotonic()
        await asyncio.to_thread(die)
        again = await viewer.say("Are you still there?")
        await viewer.wait(lambda: bool(viewer.replies_to(again)), SPEAKS_WITHIN_S)
        answer_s = time.monotonic() - died_s
        heard_s = min(e["at_s"] - died_s for e in viewer.of("reply") if e["at_s"] > died_s + IN_FLIGHT_S)
        await viewer.wait(lambda: viewer.state_of(again) in END_STATES, ENDS_WITHIN_S)
        return heard_s, answer_s


def count_faults(system: ServiceSystem) -> tuple[int, int]:
    """Messages without an end state, and sentences heard twice."""
    states = [row["state"] for row in system.rows("SELECT state FROM chat_message")]
    heard = [(r["turn_id"], r["heard"]) for r in system.rows("SELECT * FROM chat_sentence WHERE state = 'heard'")]
    return sum(state not in END_STATES for state in states), len(heard) - len(set(heard))


def kill_holder(system: ServiceSystem) -> None:
    system.kill(system.holder())


async def measure(args: argparse.Namespace) -> None:
    """Each death once a round."""
    with tempfile.TemporaryDirectory(prefix="footlight-") as name:
        folder = Path(name)
        own = OwnRedis(folder) if shutil.which("redis-server") else None
        try:
            with ServiceSystem(folder, args.database, own.url if own else args.redis, args.broker) as system:
                figures = await measure_rounds(system, own, args.times)
        finally:
            if own is not None:
                own.stop()
    publish(figures, args.json)


async def measure_rounds(system: ServiceSystem, own: OwnRedis | None, times: int) -> dict[str, float]:
    deaths: dict[str, tuple[int, Callable[[], object]]] = {
        "web_of_render_killed_s": (1, lambda: system.kill("web-0")),
        "web_of_stage_killed_s": (0, lambda: system.kill("web-1")),
        "stage_killed_s": (0, lambda: kill_holder(system)),
        "redis_cut_s": (1, system.break_redis),
    }
    if own is not None:
        deaths["redis_restarted_s"] = (1, own.restart)
    worst, worst_answer_s = dict.fromkeys(deaths, 0.0), 0.0
    for _ in range(times):
        for death, (watched, die) in deaths.items():
            for program in {"web-0", "web-1", "stage-0", "stage-1"} - system.running:
                system.start(program)
            system.wait_on_air()
            heard_s, answer_s = await measure_death(system, watched, die)
            print(f"{death} {heard_s:.1f}, answer {answer_s:.1f}", flush=True)
            worst[death] = max(worst[death], heard_s)
            worst_answer_s = max(worst_answer_s, answer_s)
    deadline_s = time.monotonic() + ENDS_WITHIN_S
    while count_faults(system)[0] and time.monotonic() < deadline_s:
        await asyncio.sleep(0.5)
    lost, doubled = count_faults(system)
    figures = {"failover_s": max(worst.values()), **worst, "answer_s": worst_answer_s}
    return {**figures, "lost": lost, "doubled": doubled}


def add_services(parser: argparse.ArgumentParser) -> None:
    """Where PostgreSQL, Redis and RabbitMQ are."""
    for service, variable, default in (
        ("database", "FOOTLIGHT_TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"),
        ("redis", "FOOTLIGHT_TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
        ("broker", "FOOTLIGHT_TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//"),
    ):
        parser.add_argument(f"--{service}", default=os.environ.get(variable, default), help=f"URL, or {variable}")


if __name__ == "__main__":
    parser = build_parser(__doc__)
    parser.add_argument("--times", type=int, default=2, help="how many rounds")
    add_services(parser)
    asyncio.run(measure(parser.parse_args()))
