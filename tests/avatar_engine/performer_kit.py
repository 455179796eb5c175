"""A performer on air in virtual time, with what it sent."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from avatar_engine.performer import Performer
from avatar_engine.timing import CHUNK_SAMPLES, FPS
from avatar_engine.types import Int16
from avatar_engine.wire import Speech
from tests.fakes.clock import virtual_loop
from tests.fakes.render import SPEC, FakeEncoder, FakeEngine, FakeExtractor, Frame, build_capabilities

FRAME_S = 1 / FPS


class OnAir:
    """One performer with its encoder and everything that it told."""

    def __init__(self, cost_s: float, capabilities: dict[str, Any]) -> None:
        self.sent: list[dict[str, Any]] = []
        self.encoder = FakeEncoder()
        self.engine = FakeEngine(build_capabilities(**capabilities), cost_s)
        self.performer = Performer(
            "r",
            SPEC,
            1,
            self.engine,
            FakeExtractor(self.engine.capabilities.lookahead_frames),
            self.encoder,
            send_media=lambda _: None,
            send=self.sent.append,
            clock=virtual_loop().time,
        )

    @property
    def frames(self) -> list[Frame]:
        return self.encoder.frames

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.sent if message["type"] == kind]

    @property
    def reports(self) -> list[tuple[str, int]]:
        return [(report["event"], report["sentence"]) for report in self.of_type("report")]

    def report(self, event: str) -> dict[str, Any]:
        (found,) = [report for report in self.of_type("report") if report["event"] == event]
        return found

    async def run(self, frames: float) -> None:
        await asyncio.sleep(frames * FRAME_S)

    def say(self, sentence: int, seq: int, frames: float, *, last: bool = False, generation: int = 1) -> Int16:
        """Push a ramp of sound, so that no two samples of it are alike; returns it."""
        chunks = round(frames * 2)
        pcm = (100 + np.arange(chunks * CHUNK_SAMPLES) % 20_000).astype(np.int16)
        self.performer.push(Speech("r", generation, 1, sentence, seq, last, pcm, ()))
        return pcm

    def sound(self) -> Int16:
        """All sound that went out, from the first sample that is not zero to the last."""
        pcm = np.concatenate([frame.pcm for frame in self.frames])
        heard = np.flatnonzero(pcm)
        return pcm[heard[0] : heard[-1] + 1] if len(heard) else pcm[:0]


@asynccontextmanager
async def on_air(*, cost_s: float = 0.0, **capabilities: Any):
    """A performer between frames 10 and 11."""
    stage = OnAir(cost_s, capabilities)
    task = asyncio.create_task(stage.performer.run())
    await asyncio.sleep(9.5 * FRAME_S if not cost_s else FRAME_S / 2)
    try:
        yield stage
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
