"""Clips that web asked this render process for: one at a time, and never at the cost of a room."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from avatar_engine.clips.clip import draw, render_clip
from avatar_engine.clips.wire import ClipPicture, ClipSound, ClipSpec, SoundBasket, pack_picture
from avatar_engine.errors import WireError
from avatar_engine.lipsync.base import FeatureExtractor, LipSyncEngine
from avatar_engine.timing import SAMPLES_PER_FRAME
from avatar_engine.types import SpeechWindow, UInt8

log = logging.getLogger(__name__)

MOST_CLIPS = 4
"""Clips that are drawn or wait; one more is refused."""
CREDIT_FRAMES = 50
"""Pictures that may be on their way before web says that it took some."""
JPEG_QUALITY = 90
PATIENCE_S = 30.0
"""So long a clip waits for sound, and for somebody who takes its pictures."""
MOST_WAY_S, STEP_S = 1.0, 0.04
"""So long each picture waits for rooms to have time to spare; then it is drawn all the same, so that clips end."""
CALM_THREAD = 10

Lend = Callable[[str, str], Awaitable[tuple[LipSyncEngine, FeatureExtractor]]]


@dataclass(slots=True, eq=False)
class ClipJob:
    """One clip. `until`: pictures before this one may be sent."""

    clip: str
    spec: ClipSpec
    sound: SoundBasket
    until: int = CREDIT_FRAMES
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class ClipJobs:
    """Owns its jobs and one thread for them. `close` ends them."""

    def __init__(
        self,
        lend: Lend,
        is_pressed: Callable[[], bool],
        *,
        send: Callable[[dict[str, Any]], None],
        send_binary: Callable[[bytes], None],
    ) -> None:
        """`lend(family, avatar)` gives a loaded engine. While `is_pressed()` pictures wait."""
        self._lend = lend
        self._is_pressed = is_pressed
        self._send = send
        self._send_binary = send_binary
        self._jobs: dict[str, ClipJob] = {}
        self._turn = asyncio.Lock()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="clip", initializer=_calm_down)

    def __len__(self) -> int:
        return len(self._jobs)

    def open(self, message: dict[str, Any]) -> None:
        """A `clip.open` of the link. Raises `WireError` for one that is malformed."""
        try:
            clip, spec = str(message["clip"]), ClipSpec.parse(message["spec"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise WireError(f"bad clip.open: {error}") from error
        if clip in self._jobs:
            return
        if len(self._jobs) >= MOST_CLIPS:
            self._fail(clip, "busy")
            return
        job = self._jobs[clip] = ClipJob(clip, spec, SoundBasket(spec.samples))
        job.task = asyncio.create_task(self._run(job), name=f"clip-{clip}")

    def take_sound(self, piece: ClipSound) -> None:
        """The next piece of a clip's sound. Raises `WireError` where it does not fit; the clip has then failed."""
        job = self._jobs.get(piece.clip)
        if job is None:
            return
        try:
            job.sound.put(piece)
        except WireError:
            self._end(job)
            self._fail(job.clip, "bad_sound")
            raise
        job.moved.set()

    def take_credit(self, clip: str, until: int) -> None:
        """Web took pictures: those before `until` may be sent."""
        job = self._jobs.get(clip)
        if job is not None:
            job.until = max(job.until, until)
            job.moved.set()

    def drop(self, clip: str) -> None:
        """Nobody waits for `clip` any more."""
        job = self._jobs.get(clip)
        if job is not None:
            self._end(job)

    def drop_all(self) -> None:
        """Web is gone, and everybody who waited with it."""
        for job in list(self._jobs.values()):
            self._end(job)

    async def close(self) -> None:
        """Give up every clip and the thread."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        self.drop_all()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _end(self, job: ClipJob) -> None:
        self._jobs.pop(job.clip, None)
        if job.task is not None:
            job.task.cancel()

    def _fail(self, clip: str, reason: str, detail: str = "") -> None:
        self._send({"type": "clip.failed", "clip": clip, "reason": reason, "detail": detail})

    async def _run(self, job: ClipJob) -> None:
        try:
            await self._wait(job, lambda: job.sound.whole or not job.spec.samples)
            async with self._turn:
                engine, extractor = await self._lend(job.spec.engine, job.spec.avatar)
                await self._draw(job, engine, extractor)
        except TimeoutError:
            log.info("clip %s was given up: nobody sends or takes", job.clip)
            self._fail(job.clip, "timeout")
        except Exception as error:  # the edge of one clip: an engine may fail in its own way
            log.exception("clip %s failed", job.clip)
            self._fail(job.clip, "failed", str(error))
        finally:
            self._jobs.pop(job.clip, None)

    async def _draw(self, job: ClipJob, engine: LipSyncEngine, extractor: FeatureExtractor) -> None:
        loop = asyncio.get_running_loop()
        pictures = JpegClip(engine, extractor, job.spec, job.sound)
        for index in range(pictures.count):
            await self._wait(job, lambda index=index: index < job.until)  # type: ignore[misc]
            await self._give_way()
            jpeg = await loop.run_in_executor(self._executor, pictures.draw_next)
            self._send_binary(pack_picture(ClipPicture(job.clip, index, pictures.count, jpeg)))

    async def _give_way(self) -> None:
        for _ in range(round(MOST_WAY_S / STEP_S)):
            if not self._is_pressed():
                return
            await asyncio.sleep(STEP_S)

    async def _wait(self, job: ClipJob, condition: Callable[[], bool]) -> None:
        while not condition():
            job.moved.clear()
            await asyncio.wait_for(job.moved.wait(), PATIENCE_S)


class JpegClip:
    """The pictures of one clip as JPEGs, in order. Works in one thread."""

    def __init__(self, engine: LipSyncEngine, extractor: FeatureExtractor, spec: ClipSpec, sound: SoundBasket) -> None:
        self._engine = engine
        self._extractor = extractor
        self._spec = spec
        self._pcm = sound.take()
        self._pictures: Iterator[UInt8] | None = None
        self.count = max(-(-len(self._pcm) // SAMPLES_PER_FRAME), 1)

    def draw_next(self) -> bytes:
        """The next JPEG. The first call opens the presenter."""
        if self._pictures is None:
            self._pictures = self._begin()
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(next(self._pictures), cv2.COLOR_RGB2BGR), quality)
        return bytes(jpeg.tobytes())

    def _begin(self) -> Iterator[UInt8]:
        session = self._engine.open(0, self._spec.width, self._spec.height)
        if len(self._pcm):
            return render_clip(self._engine, self._extractor, session, self._pcm)
        window = SpeechWindow(np.zeros((1, 0), np.float32), (), np.zeros(1, np.bool_))
        return iter(draw(session, window, np.zeros(1, np.int32)))


def _calm_down() -> None:
    """Let the threads of rooms go first, where the system knows such a thing."""
    if hasattr(os, "setpriority"):
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), CALM_THREAD)
        except OSError as error:
            log.debug("clips keep their priority: %s", error)
