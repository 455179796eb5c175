"""A whole day of one room in virtual time: the real Performer, SpeechQueue and RoomHub around a stand-in encoder.

The worker thread runs inline and each picture costs random time, now and then more than a second, so that frames are
late and catch up. A sentence is spoken about every 20 s. One viewer reads both decode times of every fragment.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from avatar_engine.performer import Performer
from avatar_engine.stream.codec import CodecConfig
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import CHUNK_SAMPLES, FPS, SAMPLES_PER_FRAME, samples_to_ms
from avatar_engine.types import Float32, Int16, Int32, Patch, SpeechWindow, UInt8
from avatar_engine.wire import Speech
from benchmarks.fragment_times import PICTURE, SOUND, read_decode_times
from frontend.hub import MediaHub
from frontend.viewer_queue import ViewerQueue
from tests.fakes.clock import VirtualLoop
from tests.fakes.render import SIDE, SPEC, build_capabilities

HEADER_BYTES = 24
ACK_EVERY = 12
LEVELS = 200
WALL_AT_ZERO_S = 1_800_000_000.0
SENTENCE_S, PAUSE_S = 3.2, 17.0
CONFIG = CodecConfig(width=SIDE, height=SIDE, fps=FPS, avcc=bytes.fromhex("0142c00affe100"), preskip=120)
GOP_FRAMES = 50
AFFINE = np.eye(2, 3, dtype=np.float32)[np.newaxis]


class NightLoop(VirtualLoop):
    """Virtual time whose worker threads are the loop itself."""

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = self.create_future()
        future.set_result(func(*args))
        return future


class LevelStream:
    """Features of a frame: its first sample."""

    def __init__(self) -> None:
        self._rows: list[float] = []

    def push(self, pcm: Int16, *, last: bool = False) -> None:
        self._rows.extend(float(v) for v in pcm[::SAMPLES_PER_FRAME])

    @property
    def ready(self) -> int:
        return len(self._rows)

    def take(self, frames: int) -> Float32:
        rows, self._rows = self._rows[:frames], self._rows[frames:]
        return np.array(rows, np.float32)[:, np.newaxis]


class LevelExtractor:
    def open(self) -> LevelStream:
        return LevelStream()


@dataclass
class LevelSession:
    """Draws speech as a flat picture as bright as its first sample; each picture costs time."""

    spend: Callable[[float], None]
    dice: random.Random
    loop_frames: int = 3
    resting: UInt8 = field(default_factory=lambda: np.zeros((1, SIDE, SIDE, 3), np.uint8))

    def source(self, pose: int) -> UInt8 | None:
        return None

    def render(self, speech: SpeechWindow, poses: Int32) -> Patch:
        self.spend(self._cost_s())
        if not speech.speaking[0]:
            return Patch(self.resting, AFFINE, None)
        level = int(speech.features[0, 0]) % LEVELS
        return Patch(np.full((1, SIDE, SIDE, 3), level, np.uint8), AFFINE, None)

    def _cost_s(self) -> float:
        chance = self.dice.random()
        if chance < 1 / 50_000:
            return 1.5
        return 0.3 if chance < 1 / 1000 else 0.004 + 0.02 * chance


class LevelEngine:
    def __init__(self, spend: Callable[[float], None], dice: random.Random) -> None:
        self.capabilities = build_capabilities()
        self._spend, self._dice = spend, dice

    def open(self, seed: int, width: int, height: int) -> LevelSession:
        return LevelSession(self._spend, self._dice)


@dataclass
class CountingEncoder:
    """Counts what it is given: `samples` of sound, `pictures`, and speaking frames whose picture is of other sound."""

    wall: Callable[[], float]
    samples: int = 0
    pictures: int = 0
    spoken: int = 0
    mismatched: int = 0
    config: CodecConfig = CONFIG

    def encode(
        self, rgb: UInt8, pcm: Int16, *, epoch: int, pts: int, speaking: bool, generation: int, idle: bool = False
    ) -> MediaEnvelope:
        key = self.pictures % GOP_FRAMES == 0
        if speaking:
            self.spoken += 1
            self.mismatched += int(rgb[0, 0, 0]) != int(pcm[0]) % LEVELS
        envelope = MediaEnvelope(
            epoch=epoch,
            seq=self.pictures,
            generation=generation,
            pts=pts,
            wall_us=int(self.wall() * 1_000_000),
            video=b"\0\0\0\1e",
            audio=(b"one", b"two"),
            config=CONFIG if key else None,
            speaking=speaking,
        )
        self.pictures += 1
        self.samples += len(pcm)
        return envelope

    def request_keyframe(self) -> None:
        pass

    def close(self) -> None:
        pass


@dataclass
class Seen:
    """What the viewer read, from the first fragment on."""

    lead_least: int = 1 << 62
    lead_most: int = -(1 << 62)
    first: tuple[float, int] | None = None
    worst_late_ms: float = 0.0
    last_late_ms: float = 0.0
    fragments: int = 0
    gaps: int = 0
    last_picture: int | None = None

    def take(self, message: bytes, now_s: float) -> None:
        times = read_decode_times(message[HEADER_BYTES:])
        picture, lead = times[PICTURE], times[PICTURE] - times[SOUND]
        self.lead_least, self.lead_most = min(self.lead_least, lead), max(self.lead_most, lead)
        self.first = self.first or (now_s, picture)
        late_ms = (now_s - self.first[0]) * 1000 - samples_to_ms(picture - self.first[1])
        self.worst_late_ms, self.last_late_ms = max(self.worst_late_ms, late_ms), late_ms
        self.gaps += self.last_picture is not None and picture != self.last_picture + SAMPLES_PER_FRAME
        self.last_picture = picture
        self.fragments += 1


async def watch(room: Any, viewer: ViewerQueue, seen: Seen, clock: Callable[[], float]) -> None:
    """Read and acknowledge until cancelled."""
    while True:
        message = await viewer.get()
        if isinstance(message, bytes) and message[0] == 2:
            seen.take(message, clock())
            if seen.fragments % ACK_EVERY == 1:
                room.acknowledge(viewer, int.from_bytes(message[4:8], "little"), seen.last_picture or 0)


async def talk(performer: Performer, ends_s: float, clock: Callable[[], float]) -> None:
    """Push a sentence whose frames all differ, wait, again."""
    chunks = round(SENTENCE_S * 50)
    number = 0
    while clock() < ends_s:
        number += 1
        pcm = np.repeat(np.arange(1, chunks // 2 + 1, dtype=np.int16), SAMPLES_PER_FRAME)
        for seq, at in enumerate(range(0, chunks, 25)):
            part = pcm[at * CHUNK_SAMPLES : (at + 25) * CHUNK_SAMPLES]
            performer.push(Speech("r", 1, number, number, seq, at + 25 >= chunks, part, ()))
        await asyncio.sleep(SENTENCE_S + PAUSE_S)
        performer.reports.acknowledge(1 << 31)


async def perform(hours: float) -> dict[str, float]:
    """One room for `hours`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, NightLoop)
    began = loop.time()

    def wall() -> float:
        return WALL_AT_ZERO_S + loop.time() - began

    hub = MediaHub(clock=loop.time, wall=wall)
    room, seen, encoder = hub.room("r"), Seen(), CountingEncoder(wall)
    performer = Performer(
        "r",
        SPEC,
        1,
        LevelEngine(loop.spend, random.Random(24)),
        LevelExtractor(),
        encoder,
        send_media=room.publish,
        send=lambda _: None,
        clock=loop.time,
    )
    ends_s = began + hours * 3600
    tasks = [
        asyncio.create_task(performer.run()),
        asyncio.create_task(talk(performer, ends_s, loop.time)),
        asyncio.create_task(watch(room, room.subscribe(), seen, loop.time)),
    ]
    await asyncio.sleep(hours * 3600)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await hub.close()
    apart = abs(encoder.samples - encoder.pictures * SAMPLES_PER_FRAME)
    return {
        "simulated_hours": hours,
        "av_drift_24h_ms": samples_to_ms(apart + seen.lead_most - seen.lead_least) / hours * 24,
        "simulated_clock_drift_ms": seen.last_late_ms,
        "simulated_latest_frame_ms": seen.worst_late_ms,
        "simulated_fragments": float(seen.fragments),
        "simulated_gaps": float(seen.gaps),
        "simulated_slips": float(performer.slips),
        "simulated_spoken_frames": float(encoder.spoken),
        "simulated_mismatched_frames": float(encoder.mismatched),
    }


def measure_simulated(hours: float) -> dict[str, float]:
    """The figures of a simulated run of `hours`."""
    with asyncio.Runner(loop_factory=NightLoop) as runner:
        return runner.run(perform(hours))
