"""A clock that tests turn by hand, and frames small enough to write out."""

import asyncio
import heapq
import itertools
import json
from dataclasses import dataclass

from avatar_engine.stream.codec import CodecConfig
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import FPS, SAMPLES_PER_FRAME
from frontend.hub_hooks import HubHooks
from frontend.media_message import HEADER, KIND_INIT
from frontend.room_hub import RoomHub
from frontend.viewer_queue import ViewerQueue

CONFIG = CodecConfig(width=64, height=64, fps=25, avcc=bytes.fromhex("0142c00affe100"), preskip=120)
WALL_AT_ZERO = 1_800_000_000.0


class VirtualTime:
    """Moves only when told; wakes sleepers in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return WALL_AT_ZERO + self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        end = self.now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end + 1e-9:
            when, _, future = heapq.heappop(self._sleepers)
            self.now = max(self.now, when)
            if not future.done():
                future.set_result(None)
            await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def build_frame(number: int, *, epoch: int = 1000, key: bool | None = None, **fields) -> MediaEnvelope:
    """Frame `number` of an epoch; every 50th is a key frame unless told otherwise."""
    key = number % 50 == 0 if key is None else key
    values = {
        "epoch": epoch,
        "seq": number,
        "generation": 0,
        "pts": number * SAMPLES_PER_FRAME,
        "wall_us": 1_800_000_000_000_000 + number * 40_000,
        "video": b"\0\0\0\1e" if key else b"\0\0\0\1a",
        "audio": (b"one", b"two"),
        "config": CONFIG if key else None,
    }
    return MediaEnvelope(**(values | fields))


@dataclass(frozen=True)
class Received:
    """One binary message as a page reads it."""

    kind: int
    flags: int
    seq: int
    room_pts: int
    wall_ms: float
    body: bytes

    @property
    def key(self) -> bool:
        return bool(self.flags & 1)

    @property
    def idle(self) -> bool:
        return bool(self.flags & 8)


def read_message(message: str | bytes) -> dict | Received:
    if isinstance(message, str):
        return json.loads(message)
    kind, flags, _, seq, room_pts, wall_ms = HEADER.unpack_from(message)
    return Received(kind, flags, seq, room_pts, wall_ms, message[HEADER.size :])


async def drain(viewer: ViewerQueue) -> list[dict | Received]:
    """Everything that waits for a viewer now."""
    messages = []
    while True:
        reading = asyncio.ensure_future(viewer.get())
        await settle()
        if not reading.done():
            reading.cancel()
            return messages
        messages.append(read_message(reading.result()))


def frames_of(messages: list[dict | Received]) -> list[Received]:
    return [m for m in messages if isinstance(m, Received) and m.kind != KIND_INIT]


def notes_of(messages: list[dict | Received], kind: str) -> list[dict]:
    return [m for m in messages if isinstance(m, dict) and m["type"] == kind]


async def show(room, time, numbers, **fields):
    """Publish frames at their pace."""
    for number in numbers:
        room.publish(build_frame(number, **fields))
        await time.advance(1 / FPS)


def put_clip(room: RoomHub, frames: int = 30) -> None:
    """Give the room an idle clip with one key frame, its pictures named "0.<index>"."""
    for index in range(frames):
        room.put_idle_clip(index, frames, build_frame(index, epoch=0, key=index == 0, video=b"0.%d" % index))


def assert_contiguous(frames):
    steps = {after.room_pts - before.room_pts for before, after in itertools.pairwise(frames)}
    assert steps <= {SAMPLES_PER_FRAME}


class Reports:
    """Hooks that write down what they are told."""

    def __init__(self):
        self.displayed, self.delivered, self.keyframes, self.audience = [], [], [], []

    @property
    def hooks(self):
        async def displayed(*args):
            self.displayed.append(args)

        async def delivered(*args):
            self.delivered.append(args)

        async def keyframe(room):
            self.keyframes.append(room)

        async def audience(*args):
            self.audience.append(args)

        return HubHooks(displayed, delivered, keyframe, audience)
