"""Time that passes only when every task waits for it."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any

STUCK_AFTER_S = 5.0


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` jumps to the next timer as soon as nothing else can run.

    It does not move while a thread works for it. Real sockets get `grace_s` of real time before each jump.
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        self.now = 1000.0
        self.busy = 0
        super().__init__(_JumpingSelector(self, grace_s))

    def time(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        """Let time pass as if the caller had worked that long. Any thread may call."""
        self.now += seconds

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self.busy += 1
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: object) -> None:
        self.busy -= 1

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        self.busy += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self.busy -= 1


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop, grace_s: float) -> None:
        super().__init__()
        self._loop = loop
        self._grace_s = grace_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        if timeout is None or self._loop.busy:
            events = super().select(STUCK_AFTER_S)
            if not events:
                raise RuntimeError("every task waits for something that will not come")
            return events
        events = super().select(min(timeout, self._grace_s))
        if not events:
            self._loop.now += timeout
        return events


def virtual_loop() -> VirtualLoop:
    """The loop of the running test."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on a `VirtualLoop`: `asyncio.sleep(3600)` costs nothing."""
    return _run_on(VirtualLoop, test)


def with_sockets(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The same for a test that talks over real sockets of this machine."""
    return _run_on(lambda: VirtualLoop(grace_s=0.02), test)


def _run_on(factory: Callable[[], VirtualLoop], test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(test(*args, **kwargs))

    return run


async def settle() -> None:
    """Let every task and thread run until it waits for time or for the test."""
    await asyncio.sleep(0.0001)
