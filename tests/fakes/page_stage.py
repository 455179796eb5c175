"""A pretended stage and render: real H.264 and Opus at 25 frames a second for the pages that `page_server` serves."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import time
from functools import cache
from typing import Any

import numpy as np

SAMPLES = 1920
EPOCH = 1_700_000_000_000
ROOM_OFFSET = 48_000 * 3600


class FakeStage:
    """Draws and encodes one presenter, and keeps the current group of frames for who comes late."""

    def __init__(self) -> None:
        from avatar_engine.stream.encoder import H264OpusEncoder

        self.encoder = H264OpusEncoder(512, 512)
        self.viewers: set[asyncio.Queue[bytes | str]] = set()
        self.group: list[bytes] = []
        self.pts = 0
        self.speaking_until = 0
        self.acks: list[dict[str, Any]] = []

    def speak(self, ms: float) -> int:
        """Speak for `ms` from a little later on; returns that pts."""
        start = self.pts + 5 * SAMPLES
        self.speaking_from, self.speaking_until = start, start + int(ms * 48)
        return start

    speaking_from = 0

    def interrupt(self) -> int:
        self.speaking_until = self.pts
        for viewer in self.viewers:
            viewer.put_nowait(json.dumps({"type": "interrupt", "epoch": EPOCH, "pts": self.pts}))
        return self.pts

    async def run(self) -> None:
        from frontend.media_message import build_fragment_message

        loop = asyncio.get_running_loop()
        start = loop.time()
        for n in itertools.count():
            self.pts = n * SAMPLES
            speaking = self.speaking_from <= self.pts < self.speaking_until
            envelope = self.encoder.encode(
                draw(n, speaking), sing(self.pts, speaking), epoch=EPOCH, pts=self.pts, speaking=speaking, generation=0
            )
            message = build_fragment_message(
                n, envelope, self.pts + ROOM_OFFSET, self.encoder.config.preskip, time.time() * 1000
            )
            if envelope.key:
                self.group = []
            self.group.append(message)
            for viewer in self.viewers:
                if viewer.qsize() < 200:
                    viewer.put_nowait(message)
            start = max(start, loop.time() - (n + 1) * 0.04)  # on a busy machine the show gets late, pages do not wait
            await asyncio.sleep(max(0.005, start + (n + 1) * 0.04 - loop.time()))

    async def serve(self, receive: Any, send: Any) -> None:
        from frontend.media_message import build_hello, build_init_notes, build_timeline

        viewer: asyncio.Queue[bytes | str] = asyncio.Queue()
        text, init = build_init_notes(self.encoder.config, 0, 0)
        for item in (build_hello(12), text, init, build_timeline(EPOCH, ROOM_OFFSET), *self.group):
            viewer.put_nowait(item)
        self.viewers.add(viewer)

        async def pump() -> None:
            while True:
                item = await viewer.get()
                await send({"type": "websocket.send", "text" if isinstance(item, str) else "bytes": item})

        pumping = asyncio.create_task(pump())
        try:
            while (event := await receive())["type"] == "websocket.receive":
                self.acks.append({**json.loads(event["text"]), "at": time.time()})
        finally:
            self.viewers.discard(viewer)
            pumping.cancel()


@cache
def paint_wall() -> np.ndarray:
    """A soft light on a dark wall, uint8[512, 512, 3]."""
    y, x = np.mgrid[0:512, 0:512].astype(np.float32)
    glow = np.clip(1 - np.hypot(x - 256, y - 300) / 420, 0, 1)[..., None]
    return (np.array([38, 34, 52]) + glow * np.array([80, 62, 58])).astype(np.uint8)


def draw(n: int, speaking: bool) -> np.ndarray:
    """A plain presenter: enough to judge a page by, with a mouth that moves while speaking."""
    import cv2

    picture = paint_wall().copy()
    sway = int(4 * math.sin(n / 20))
    cv2.ellipse(picture, (256 + sway, 560), (210, 190), 0, 0, 360, (52, 74, 96), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (256 + sway, 205), (128, 150), 0, 0, 360, (58, 38, 34), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (222 + sway, 330), (290 + sway, 410), (214, 164, 138), -1)
    cv2.ellipse(picture, (256 + sway, 240), (102, 130), 0, 0, 360, (232, 186, 160), -1, cv2.LINE_AA)
    for side in (-42, 42):
        height = 2 if n % 90 < 4 else 9
        cv2.ellipse(picture, (256 + side + sway, 222), (13, height), 0, 0, 360, (46, 36, 40), -1, cv2.LINE_AA)
    opening = 3 + int(13 * abs(math.sin(n * 0.9))) if speaking else 3
    cv2.ellipse(picture, (256 + sway, 305), (30, opening), 0, 0, 360, (150, 62, 66), -1, cv2.LINE_AA)
    return picture


def sing(pts: int, speaking: bool) -> np.ndarray:
    if not speaking:
        return np.zeros(SAMPLES, np.int16)
    return (6000 * np.sin(2 * np.pi * 220 * (np.arange(SAMPLES) + pts) / 48_000)).astype(np.int16)
