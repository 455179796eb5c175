"""One connection of a web copy to Redis: what it sends, in order, and what its subscriptions bring."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

OUTBOX_COMMANDS = 2000
BATCH_COMMANDS = 100
TIMEOUT_S = 3.0
_LENGTH = struct.Struct("<I")


class BusStuck(Exception):
    """More waits to be sent than a working Redis leaves waiting."""


class RedisBus:
    """Lives as long as its connections: any error ends it, because what was published meanwhile is lost.

    `send` never waits. Where 2000 commands wait, the bus is given up: `write` raises `BusStuck`. Names get `prefix`,
    as publishing knows no database numbers.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._redis = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            client_name=f"{prefix}-relay",
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
        self._prefix = prefix
        self._feed = self._redis.pubsub(ignore_subscribe_messages=True)
        self._outbox: asyncio.Queue[tuple[str | bytes, ...]] = asyncio.Queue(OUTBOX_COMMANDS)
        self._stuck = False

    def send(self, channel: str, data: bytes) -> None:
        """Publish `data` after everything sent before."""
        self.do("PUBLISH", f"{self._prefix}:{channel}", data)

    def keep(self, key: str, data: bytes, seconds: int) -> None:
        """Store `data`, in order with what is sent."""
        self.do("SET", f"{self._prefix}:{key}", data, "EX", str(seconds))

    def forget(self, key: str) -> None:
        """Delete what was kept, in order with what is sent."""
        self.do("DEL", f"{self._prefix}:{key}")

    def do(self, *command: str | bytes) -> None:
        """Queue a command whose answer nobody reads."""
        try:
            self._outbox.put_nowait(command)
        except asyncio.QueueFull:
            self._stuck = True

    async def load(self, key: str) -> bytes | None:
        """What was kept. Raises `RedisError`."""
        data = await self._redis.get(f"{self._prefix}:{key}")
        return data if isinstance(data, bytes) else None

    async def run_script(self, script: str, keys: list[str], arguments: list[str | int]) -> str:
        """The text that a Lua script returns. Raises `RedisError`."""
        names = [f"{self._prefix}:{key}" for key in keys]
        answer: bytes = await self._redis.eval(script, len(names), *names, *arguments)
        return answer.decode()

    async def listen(self, *channels: str) -> None:
        """Subscribe. Raises `RedisError`."""
        await self._feed.subscribe(*[f"{self._prefix}:{channel}" for channel in channels])

    async def ignore(self, *channels: str) -> None:
        """End a subscription. Raises `RedisError`."""
        await self._feed.unsubscribe(*[f"{self._prefix}:{channel}" for channel in channels])

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """Channel and data of everything that comes, for ever. Raises `RedisError`."""
        start = len(self._prefix) + 1
        while True:
            message = await self._feed.get_message(timeout=None)
            if message is not None:
                yield message["channel"].decode()[start:], message["data"]

    async def write(self) -> None:
        """Send what is queued, for ever. Raises `RedisError` and `BusStuck`."""
        while True:
            batch = [await self._outbox.get()]
            while not self._outbox.empty() and len(batch) < BATCH_COMMANDS:
                batch.append(self._outbox.get_nowait())
            if self._stuck:
                raise BusStuck(f"{OUTBOX_COMMANDS} commands wait")
            async with self._redis.pipeline(transaction=False) as pipe:
                for command in batch:
                    pipe.execute_command(*command)
                await pipe.execute()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError  # redis-py swallows one that comes while it reads an answer

    async def close(self) -> None:
        """Close the connections."""
        await self._feed.aclose()  # type: ignore[no-untyped-call]
        await self._redis.aclose()


def pack_note(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """Length of the header u32 LE, header as JSON, payload."""
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return _LENGTH.pack(len(head)) + head + payload


def unpack_note(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and payload of `pack_note`. Raises ValueError on anything else."""
    try:
        (length,) = _LENGTH.unpack_from(data)
    except struct.error as error:
        raise ValueError("a note without a header") from error
    header = json.loads(data[_LENGTH.size : _LENGTH.size + length])
    if not isinstance(header, dict):
        raise ValueError("the header of a note is an object")
    return header, data[_LENGTH.size + length :]
