"""Checks on a message before it becomes a row. Each refusal has a reason code that the page can show."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from chat.events import MAX_TEXT


@dataclass(frozen=True, slots=True)
class RateRule:
    """`count` messages in `window_s`; past that, a pause of `pause_s`."""

    count: int = 3
    window_s: float = 2.0
    pause_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message was not accepted. `retry_s` says when to try again, 0 where that would not help."""

    reason: str
    retry_s: float = 0.0


@dataclass(slots=True)
class _Pace:
    times: deque[float] = field(default_factory=deque)
    paused_until: float = 0.0


class RateLimiter:
    """Pace per key (a viewer, an address). Holds at most `most_keys`; the one quiet for longest is forgotten."""

    def __init__(self, rule: RateRule, clock: Callable[[], float], most_keys: int = 10_000) -> None:
        self._rule = rule
        self._clock = clock
        self._most_keys = most_keys
        self._paces: OrderedDict[str, _Pace] = OrderedDict()

    def check(self, key: str) -> Refusal | None:
        """Count one message of `key`; a refusal where it comes too soon."""
        now = self._clock()
        pace = self._paces.setdefault(key, _Pace())
        self._paces.move_to_end(key)
        while len(self._paces) > self._most_keys:
            self._paces.popitem(last=False)
        if now < pace.paused_until:
            return Refusal("too_fast", pace.paused_until - now)
        while pace.times and pace.times[0] <= now - self._rule.window_s:
            pace.times.popleft()
        if len(pace.times) >= self._rule.count:
            pace.paused_until = now + self._rule.pause_s
            return Refusal("too_fast", self._rule.pause_s)
        pace.times.append(now)
        return None

    def give_back(self, key: str) -> None:
        """The latest one of `key` shall not count."""
        pace = self._paces.get(key)
        if pace is not None and pace.times:
            pace.times.pop()


def check_text(text: str) -> Refusal | None:
    """Refuse what nobody could answer: nothing at all, or more than 500 characters."""
    if not text or not any(c.isalnum() or ord(c) > 0x2190 for c in text):
        return Refusal("empty")
    if len(text) > MAX_TEXT:
        return Refusal("too_long")
    return None
