"""A viewer without a browser: both page sockets, with what came over them kept and decodable."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from avatar_engine.timing import SAMPLE_RATE_HZ

HEADER_BYTES = 24
INIT, FRAGMENT = 1, 2
SPEAKING, IDLE_CLIP = 4, 8


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fragment as it came: `at_s` is the monotonic time of its arrival."""

    flags: int
    seq: int
    room_pts: int
    at_s: float
    data: bytes

    @property
    def key(self) -> bool:
        return bool(self.flags & 1)

    @property
    def speaking(self) -> bool:
        return bool(self.flags & SPEAKING)

    @property
    def held(self) -> bool:
        return bool(self.flags & IDLE_CLIP)


class SocketViewer:
    """Joins a room on `__aenter__`. `acknowledge=False` makes a viewer whose page has hung.

    With the `cookie` header of a page it is the same viewer after a reconnect; without, a new one each time.
    """

    _numbers = itertools.count(1)

    def __init__(
        self, ws_url: str, slug: str = "mira", *, name: str = "Ada", acknowledge: bool = True, cookie: str = ""
    ) -> None:
        self._url = f"{ws_url}/ws/rooms/{slug}"
        self._origin = ws_url.replace("ws://", "http://", 1)
        self._name = name
        self._acknowledge = acknowledge
        self._headers = {"Cookie": cookie} if cookie else None
        self._tasks: list[asyncio.Task[None]] = []
        self._chat: ClientConnection | None = None
        self._news = asyncio.Event()
        self.inits: list[bytes] = []
        self.fragments: list[Fragment] = []
        self.media_notes: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.media_closed: int | None = None
        self.reading = asyncio.Event()
        self.reading.set()

    async def __aenter__(self) -> SocketViewer:
        self._tasks = [
            asyncio.create_task(self._keep(self._run_media)),
            asyncio.create_task(self._keep(self._run_chat)),
        ]
        await self.wait(lambda: any(e["type"] == "welcome" for e in self.events), 15)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, run: Callable[[], Any]) -> None:
        """Dial again where the socket breaks, as the page does."""
        while True:
            try:
                await run()
            except (OSError, WebSocketException, TimeoutError):
                pass
            await asyncio.sleep(0.3)

    async def _run_media(self) -> None:
        count = 0
        async with connect(f"{self._url}/media/", origin=self._origin, max_size=None, proxy=None) as socket:
            while self.media_closed is None:
                await self.reading.wait()
                try:
                    data = await socket.recv()
                except ConnectionClosed:
                    self.media_closed = None if socket.close_code in (None, 1001, 1006, 1012) else socket.close_code
                    return
                if isinstance(data, str):
                    self.media_notes.append({**json.loads(data), "at_s": time.monotonic()})
                else:
                    self._take(data)
                    if data[0] == FRAGMENT:
                        count += 1
                        if self._acknowledge and (count == 1 or count % 12 == 0):
                            last = self.fragments[-1]
                            report = {"type": "ack", "seq": last.seq, "displayed": last.room_pts}
                            await socket.send(json.dumps(report))
                self._news.set()

    def _take(self, data: bytes) -> None:
        if data[0] == INIT:
            self.inits.append(data[HEADER_BYTES:])
            return
        seq, pts = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:16], "little")
        self.fragments.append(Fragment(data[1], seq, pts, time.monotonic(), data[HEADER_BYTES:]))

    async def _run_chat(self) -> None:
        async with connect(
            f"{self._url}/chat/", origin=self._origin, proxy=None, additional_headers=self._headers
        ) as socket:
            self._chat = socket
            await socket.send(json.dumps({"type": "hello", "name": self._name, "language": "en"}))
            try:
                async for data in socket:
                    event = json.loads(data)
                    for item in event["items"] if event["type"] == "batch" else [event]:
                        self.events.append({**item, "at_s": time.monotonic()})
                    self._news.set()
            finally:
                self._chat = None

    # acting

    async def say(self, text: str, client_id: str | None = None) -> int:
        """Send a message; returns its id when it is accepted."""
        client_id = client_id or f"{self._name}-{next(self._numbers)}"
        await self.wait(lambda: self._chat is not None, 15)
        assert self._chat is not None
        await self._chat.send(json.dumps({"type": "message", "client_id": client_id, "text": text}))

        def answer() -> dict[str, Any] | None:
            return next((e for e in self.events if e.get("client_id") == client_id), None)

        await self.wait(lambda: answer() is not None, 10)
        found = answer()
        assert found is not None
        assert found["type"] == "accepted", found
        return int(found["id"])

    async def wait(self, condition: Callable[[], bool], limit_s: float) -> None:
        """Until `condition` holds; asked at every message. Raises TimeoutError."""
        async with asyncio.timeout(limit_s):
            while not condition():
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), 0.2)
                except TimeoutError:
                    continue

    # what was seen

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Chat events of one type."""
        return [event for event in self.events if event["type"] == kind]

    def replies_to(self, message: int) -> list[str]:
        """The sentences heard in answer to a message."""
        return [event["text"] for event in self.of("reply") if event["message"] == message]

    def state_of(self, message: int) -> str:
        """The latest state of a message that this page was told."""
        states = [e["state"] for e in self.of("message.state") if e["id"] == message]
        return states[-1] if states else "waiting"

    def decode(self, fragments: list[Fragment]) -> tuple[list[np.ndarray], np.ndarray]:
        """Pictures, uint8[h, w, 3] each, and sound, float32[n] at 48 kHz, of a run that begins with a key frame."""
        assert fragments[0].key, "a run begins with a key frame"
        container = av.open(io.BytesIO(self.inits[-1] + b"".join(f.data for f in fragments)), format="mp4")
        pictures: list[np.ndarray] = []
        sound: list[np.ndarray] = []
        for packet in container.demux():
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    pictures.append(frame.to_ndarray(format="rgb24"))
                else:
                    sound.append(frame.to_ndarray().mean(axis=0).astype(np.float32))
        return pictures, np.concatenate(sound) if sound else np.zeros(0, np.float32)

    def run_around(self, start: int, end: int) -> list[Fragment]:
        """Fragments from the key frame at or before fragment `start` up to `end`."""
        key = max(number for number in range(start + 1) if self.fragments[number].key)
        return self.fragments[key:end]


def loudness_per_frame(sound: np.ndarray) -> np.ndarray:
    """RMS of each 40 ms."""
    size = SAMPLE_RATE_HZ // 25
    return np.sqrt((sound[: len(sound) // size * size].reshape(-1, size) ** 2).mean(axis=1))
