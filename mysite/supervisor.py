"""Runs every process of one machine until Ctrl-C: what `manage.py live` does after the preparation."""

import asyncio
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from mysite.child import Child, Program
from mysite.env import REPOSITORY, Env

SAY_AS = "live"
ASK_EVERY_S = 0.2
REAPED_WITHIN_S = 1.0
LLM_NICE = 5
"""The picture has a deadline every 40 ms, the next word has none."""
ON_AIR_FIRST_FOR_S = 8.0
"""How long the picture has the processors to itself before language model, worker and beat are started."""


@dataclass(frozen=True)
class Plan:
    """What puts the picture on air, and what starts when it moves (or did not, for ON_AIR_FIRST_FOR_S)."""

    first: tuple[Program, ...]
    then: tuple[Program, ...]
    llm_port: int

    @property
    def names(self) -> list[str]:
        return [SAY_AS, *(program.name for program in (*self.first, *self.then))]


def build_plan(env: Env, llm_port: int) -> Plan:
    """Every process of one machine."""
    python = sys.executable
    manage = (python, str(REPOSITORY / "manage.py"))
    web = (
        *(python, "-m", "mysite.daphne_server", "-v", "0", "--no-server-name", "-b", env.host, "-p", str(env.port)),
        *("--http-timeout", "60", "--websocket_connect_timeout", "10"),
        *(("--proxy-headers",) if env.behind_proxy else ()),
        "mysite.asgi:application",
    )
    render = (
        *(python, "-m", "avatar_engine.render", "--name", "render-1", "--web", env.link_url),
        *("--token-file", str(env.link_token_file), "--data", str(env.data_dir)),
    )
    celery = (python, "-m", "celery", "--quiet", "-A", "mysite")
    first = (
        Program("web", web),
        Program("render", render),
        Program("stage", (*manage, "run_stage")),
    )
    embedded = (
        Program("weights", (*manage, "weights"), nice=10, job=True),
        Program("llm", (*manage, "run_llm"), nice=LLM_NICE),
    )
    jobs = (
        Program(
            "worker",
            (
                *(*celery, "worker", "--pool", "solo", "--loglevel", "INFO"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ),
            nice=10,
        ),
        Program("beat", (*celery, "beat", "--loglevel", "WARNING", "--pidfile="), nice=10),
    )
    then = (*embedded, *jobs) if env.runs_llm else jobs
    return Plan(first, then, llm_port)


class Supervisor:
    """Owns the processes. `run` returns when a signal asked for the end and all of them are gone."""

    def __init__(self, env: Env, plan: Plan, say: Callable[[str, str], None], started: float) -> None:
        """`say` takes a name and a line; `started` is the time of `time.monotonic` that a person began to wait."""
        self._env = env
        self._say = say
        self._started = started
        self._first = [self._build_child(program, plan) for program in plan.first]
        self._then = [self._build_child(program, plan) for program in plan.then]
        self._tasks: list[asyncio.Task[None]] = []
        self._end = asyncio.Event()

    def _build_child(self, program: Program, plan: Plan) -> Child:
        environ = self._env.build_child_environ(program.name, FOOTLIGHT_LLM_PORT=str(plan.llm_port))
        return Child(program, environ, self._say, time.monotonic)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end.set)
        self._start(self._first)
        opening = asyncio.create_task(self._open_the_house(), name="open-the-house")
        await self._end.wait()
        self._say(SAY_AS, "ending")
        opening.cancel()
        await asyncio.gather(*(child.stop() for child in (*self._then, *self._first)))
        await asyncio.wait(self._tasks, timeout=REAPED_WITHIN_S)
        for task in self._tasks:  # those that wait for their next start
            task.cancel()
        await asyncio.gather(opening, *self._tasks, return_exceptions=True)

    def _start(self, children: list[Child]) -> None:
        self._tasks += [asyncio.create_task(child.run(), name=child.program.name) for child in children]

    async def _open_the_house(self) -> None:
        """Say when the page is up and when the picture moves; start the rest in between."""
        url = self._env.public_url or self._env.local_url
        await self._wait_for("/healthz")
        self._say(SAY_AS, f"page is up: {url}/ (console: {url}/console/)")
        try:
            await asyncio.wait_for(self._wait_for("/readyz"), ON_AIR_FIRST_FOR_S)
        except TimeoutError:
            self._start(self._then)
            await self._wait_for("/readyz")
        else:
            self._start(self._then)
        self._say(SAY_AS, f"ON AIR after {time.monotonic() - self._started:.1f} s: {url}/   Ctrl-C ends all")

    async def _wait_for(self, path: str) -> None:
        while True:
            if await asyncio.to_thread(_answers_ok, self._env.local_url + path):
                return
            await asyncio.sleep(ASK_EVERY_S)


def _answers_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
