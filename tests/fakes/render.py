"""A render process without networks, codecs and sockets: the real StageSet and Performer around stand-ins."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from avatar_engine import wire
from avatar_engine.lipsync.base import Capabilities, FeatureExtractor, LipSyncEngine
from avatar_engine.performer import Performer
from avatar_engine.performer_spec import RoomSpec
from avatar_engine.reports import ReportLog
from avatar_engine.stage_set import StageSet
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import CHUNK_SAMPLES, SAMPLES_PER_FRAME
from avatar_engine.types import Float32, Int16, Int32, Patch, SpeechWindow, UInt8
from tests.fakes.clock import virtual_loop

SIDE = 2
SPEC = RoomSpec(engine="fake", avatar="", width=SIDE, height=SIDE, seed=1, video_kbps=0)
RESTING, SPEAKING = 10, 200


def build_capabilities(**changes: Any) -> Capabilities:
    """An engine that draws a frame at a time and looks nowhere ahead, but for `changes`."""
    values = {"fps": 25, "chunk_frames": 1, "lookahead_frames": 0, "realtime": True, "features": "fake"}
    return Capabilities(**(values | changes))


class FakeStream:
    """One row a frame, holding the first sample of the frame; ready when `lookahead` more frames are in."""

    def __init__(self, lookahead: int) -> None:
        self._lookahead = lookahead
        self._pcm = np.zeros(0, np.int16)
        self._taken = 0
        self.closed = False

    def push(self, pcm: Int16, *, last: bool = False) -> None:
        assert not self.closed, "sound after the last"
        self._pcm = np.concatenate([self._pcm, pcm])
        self.closed = last

    @property
    def ready(self) -> int:
        return max(0, len(self._pcm) // SAMPLES_PER_FRAME - (0 if self.closed else self._lookahead) - self._taken)

    def take(self, frames: int) -> Float32:
        assert frames <= self.ready
        rows = self._pcm[self._taken * SAMPLES_PER_FRAME :: SAMPLES_PER_FRAME][:frames]
        self._taken += frames
        return rows.astype(np.float32)[:, np.newaxis]


class FakeExtractor:
    """Keeps the streams that it opened."""

    def __init__(self, lookahead: int = 0) -> None:
        self._lookahead = lookahead
        self.streams: list[FakeStream] = []

    def open(self) -> FakeStream:
        self.streams.append(FakeStream(self._lookahead))
        return self.streams[-1]


@dataclass
class FakeSession:
    """Draws a flat picture: brightness tells speech from rest. `windows` are the calls made."""

    width: int
    height: int
    cost_s: Callable[[], float]
    spend: Callable[[float], None]
    loop_frames: int = 3
    windows: list[tuple[SpeechWindow, Int32]] = field(default_factory=list)

    def source(self, pose: int) -> UInt8 | None:
        return None

    def render(self, speech: SpeechWindow, poses: Int32) -> Patch:
        self.windows.append((speech, poses))
        self.spend(self.cost_s())
        levels = np.where(speech.speaking, SPEAKING, RESTING).astype(np.uint8) + (poses % 50).astype(np.uint8)
        rgb = np.broadcast_to(levels[:, None, None, None], (len(poses), self.height, self.width, 3))
        return Patch(rgb, np.tile(np.eye(2, 3, dtype=np.float32), (len(poses), 1, 1)), None)


class FakeEngine:
    """`cost_s`: how long one `render` call takes, in virtual time."""

    def __init__(self, capabilities: Capabilities, cost_s: float = 0.0) -> None:
        self.capabilities = capabilities
        self.cost_s = cost_s
        self._spend = virtual_loop().spend
        self.sessions: list[FakeSession] = []

    def open(self, seed: int, width: int, height: int) -> FakeSession:
        self.sessions.append(FakeSession(width, height, lambda: self.cost_s, self._spend))
        return self.sessions[-1]


@dataclass(frozen=True)
class Frame:
    """What one frame showed and sounded like."""

    pts: int
    pcm: Int16
    speaking: bool
    generation: int
    level: int

    @property
    def is_silent(self) -> bool:
        return not self.pcm.any()


class FakeEncoder:
    """Keeps every frame that it was given; envelopes carry the raw sound."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.keyframes_asked = 0
        self.fail_at: int | None = None

    def encode(
        self, rgb: UInt8, pcm: Int16, *, epoch: int, pts: int, speaking: bool, generation: int, idle: bool = False
    ) -> MediaEnvelope:
        seq = len(self.frames)
        if seq == self.fail_at:
            raise RuntimeError("the encoder broke")
        self.frames.append(Frame(pts, pcm.copy(), speaking, generation, int(rgb[0, 0, 0])))
        halves = (pcm[:CHUNK_SAMPLES].tobytes(), pcm[CHUNK_SAMPLES:].tobytes())
        return MediaEnvelope(epoch, seq, generation, pts, pts, b"picture", halves, None, speaking, idle)

    def request_keyframe(self) -> None:
        self.keyframes_asked += 1

    def close(self) -> None:
        pass


class FakeStageSet(StageSet):
    """The real rooms of a render process; engines and encoders are stand-ins, and time is the loop's."""

    epochs = itertools.count(1000, 1000)

    def __init__(self, capabilities: Capabilities, send: Callable[[dict[str, Any]], None]) -> None:
        self.media: list[tuple[str, MediaEnvelope]] = []
        super().__init__(
            Path("none"),
            "cpu",
            send=send,
            send_media=lambda room, envelope: self.media.append((room, envelope)),
            send_clip=lambda *_: None,
            encoder="fake",
        )
        self.engine = FakeEngine(capabilities)
        self.encoders: list[FakeEncoder] = []
        self.load_error: Exception | None = None
        self._clock = virtual_loop().time

    def _load(self, family: str, avatar: str) -> tuple[LipSyncEngine, FeatureExtractor]:
        if self.load_error is not None:
            raise self.load_error
        return self.engine, FakeExtractor(self.engine.capabilities.lookahead_frames)  # type: ignore[return-value]

    def _build(self, room: str, spec: RoomSpec, generation: int) -> tuple[Performer, Coroutine[Any, Any, None]]:
        engine, extractor = self._load(spec.engine, spec.avatar)
        self.encoders.append(FakeEncoder())
        performer = Performer(
            room,
            spec,
            generation,
            engine,
            extractor,
            self.encoders[-1],
            send_media=lambda envelope: self._send_media(room, envelope),
            send=self._send,
            clock=self._clock,
        )
        performer.epoch = next(self.epochs)
        performer.reports = ReportLog(room, performer.epoch)
        return performer, asyncio.sleep(0)


class FakeRender:
    """Answers the link as the render process does."""

    def __init__(self, send: Callable[[dict[str, Any]], None], capabilities: Capabilities | None = None) -> None:
        self.rooms = FakeStageSet(capabilities or build_capabilities(), send)
        self._opening: set[asyncio.Task[None]] = set()

    def performer(self, room: str) -> Performer:
        return self.rooms.performers[room]

    def take_text(self, message: dict[str, Any]) -> None:
        kind, room = message["type"], message["room"]
        if kind == "room.open":
            spec = RoomSpec.parse(message["spec"])
            self._start(self.rooms.open(room, spec, message["generation"]))
        elif kind == "room.close":
            self._start(self.rooms.close_room(room))
        elif room in self.rooms.performers:
            performer = self.performer(room)
            if kind == "interrupt":
                performer.interrupt(message["generation"])
            elif kind == "report.ack":
                performer.reports.acknowledge(message["n"])

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def take_binary(self, data: bytes) -> None:
        speech = wire.unpack_speech(wire.unpack_binary(data))
        if speech.room in self.rooms.performers:
            self.performer(speech.room).push(speech)

    async def close(self) -> None:
        await self.rooms.close()
