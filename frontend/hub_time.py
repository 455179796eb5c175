"""Where the hub takes time from, so that tests can own it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubTime:
    """Monotonic seconds, seconds since 1970, and a way to wait some seconds."""

    clock: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
