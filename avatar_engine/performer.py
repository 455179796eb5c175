"""One presenter in one room: sound and marks in, timed pictures with their sound out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from avatar_engine.compose.paste import paste
from avatar_engine.lipsync.base import FeatureExtractor, LipSyncEngine
from avatar_engine.performer_spec import RoomSpec
from avatar_engine.reports import ReportLog
from avatar_engine.speech_queue import SpeechQueue, SpokenFrame
from avatar_engine.stream.encoder import StreamEncoder
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import FPS, FRAME_MS, SAMPLES_PER_FRAME, ms_to_samples
from avatar_engine.types import Int16, SpeechWindow, UInt8
from avatar_engine.wire import Speech

log = logging.getLogger(__name__)

FADE_MS = 10
LATE_FRAMES_REPEAT = 3
LATE_S_SLIP = 2.0
PLAYHEAD_EVERY_FRAMES = 6
PRESSED_SHARE = 0.6
SILENCE: Int16 = np.zeros(SAMPLES_PER_FRAME, np.int16)


class Performer:
    """Owns the sample clock of one room for one epoch.

    Frame n is due n/25 s after the start and carries samples n*1920 to (n+1)*1920. A frame that is late is sent as
    soon as possible with the last picture; more than 2 s late, the clock slips and the slip is counted.
    """

    def __init__(
        self,
        room: str,
        spec: RoomSpec,
        generation: int,
        engine: LipSyncEngine,
        extractor: FeatureExtractor,
        encoder: StreamEncoder,
        *,
        send_media: Callable[[MediaEnvelope], None],
        send: Callable[[dict[str, Any]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.room = room
        self.spec = spec
        self.generation = generation
        self.epoch = time.time_ns() // 1_000_000
        self.reports = ReportLog(room, self.epoch)
        self.capabilities = engine.capabilities
        self.session = engine.open(spec.seed, spec.width, spec.height)
        self._queue = SpeechQueue(extractor, engine.capabilities)
        self._encoder = encoder
        self._send_media = send_media
        self._send = send
        self._clock = clock
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"performer-{room}")
        self._rendered: deque[tuple[SpokenFrame, UInt8]] = deque()
        self._picture: UInt8 | None = None
        self._fade: Int16 | None = None
        self._frame = 0
        self._on_air: SpokenFrame | None = None
        self._ahead: list[SpokenFrame] = []
        self._busy = False
        self._render_ms = 0.0
        self._late = False
        self.is_held = False
        """While True nobody can hear: speech waits, the clock and the resting picture go on."""
        self.underruns = 0
        self.slips = 0

    @property
    def is_pressed(self) -> bool:
        """Whether frames take so long, or are so late, that more work on this machine would be seen."""
        return self._late or self._render_ms > PRESSED_SHARE * FRAME_MS

    @property
    def pts(self) -> int:
        """Sample position of the next frame."""
        return self._frame * SAMPLES_PER_FRAME

    async def run(self) -> None:
        """Perform until cancelled."""
        started = self._clock()
        try:
            while True:
                late_s = self._clock() - (started + self._frame / FPS)
                self._late = late_s * FPS > 1
                if late_s < 0:
                    await asyncio.sleep(-late_s)
                elif late_s > LATE_S_SLIP:
                    self.slips += 1
                    started += late_s
                    log.warning("room %s slipped by %.1f s", self.room, late_s)
                await self._perform_frame(late_s * FPS > LATE_FRAMES_REPEAT)
        finally:
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _perform_frame(self, late: bool) -> None:
        """One frame. Speech is taken from the queue here; only drawing and encoding run in the worker thread."""
        ready = self._rendered.popleft() if self._rendered and not self.is_held else None
        batch = [] if ready is not None or self.is_held else self._take_batch()
        spoken = ready[0] if ready is not None else batch[0] if batch else None
        fade, self._fade = (self._fade, None) if spoken is None else (None, None)
        began = self._clock()
        self._busy, self._on_air, self._ahead = True, spoken, batch[1:]
        make = partial(self._make_frame, ready, batch, late, fade, self.generation)
        envelope, drawn = await asyncio.get_running_loop().run_in_executor(self._executor, make)
        self._busy, self._on_air, self._ahead = False, None, []
        self._render_ms += 0.1 * ((self._clock() - began) * 1000 - self._render_ms)
        self._rendered.extend(item for item in drawn if item[0].sentence.generation >= self.generation)
        self._send_media(envelope)
        if spoken is not None and spoken.sentence.generation >= self.generation:
            self._report(spoken, envelope)
        self._frame += 1
        if self._frame % PLAYHEAD_EVERY_FRAMES == 0:
            self._send(self.build_playhead())

    def _take_batch(self) -> list[SpokenFrame]:
        batch: list[SpokenFrame] = []
        while len(batch) < self.capabilities.chunk_frames and (frame := self._queue.take()) is not None:
            batch.append(frame)
        current = self._queue.current
        if not batch and current is not None and current.taken and not current.complete:
            self.underruns += 1
        return batch

    def _make_frame(
        self,
        ready: tuple[SpokenFrame, UInt8] | None,
        batch: list[SpokenFrame],
        late: bool,
        fade: Int16 | None,
        generation: int,
    ) -> tuple[MediaEnvelope, list[tuple[SpokenFrame, UInt8]]]:
        """Draw what is not drawn yet and encode one frame; returns the frames drawn ahead as well."""
        last = self._picture if late else None
        drawn = [(frame, last) for frame in batch] if last is not None else []
        if batch and not drawn:
            drawn = list(zip(batch, self._draw(list(batch)), strict=True))
        if ready is None and drawn:
            ready = drawn.pop(0)
        if ready is not None:
            spoken, picture = ready
            pcm = spoken.pcm
        else:
            picture = last if last is not None else self._draw([None])[0]
            pcm = SILENCE if fade is None else fade
        self._picture = picture
        envelope = self._encoder.encode(
            picture, pcm, epoch=self.epoch, pts=self.pts, speaking=ready is not None, generation=generation
        )
        return envelope, drawn

    def _draw(self, frames: list[SpokenFrame | None]) -> list[UInt8]:
        """Draw consecutive frames, spoken (SpokenFrame) or resting (None, alone)."""
        count = len(frames)
        poses = np.arange(self._frame, self._frame + count, dtype=np.int32)
        spoken = [frame for frame in frames if frame is not None]
        window = SpeechWindow(
            features=np.concatenate([f.features for f in spoken]) if spoken else np.zeros((count, 0), np.float32),
            marks=spoken[0].marks if spoken else (),
            speaking=np.array([frame is not None for frame in frames]),
        )
        patch = self.session.render(window, poses)
        pictures = []
        for number in range(count):
            source = self.session.source(int(poses[number]))
            mask = None if patch.mask is None else patch.mask[number]
            pictures.append(paste(source, patch.rgb[number], patch.affine[number], mask))
        return pictures

    def _report(self, spoken: SpokenFrame, envelope: MediaEnvelope) -> None:
        sentence = spoken.sentence
        if spoken.is_first:
            self._send(self.reports.add("started", sentence.sentence, sentence.turn, envelope.pts, 0))
        sentence.performed += 1
        self._report_finished(envelope.pts + SAMPLES_PER_FRAME)

    def push(self, speech: Speech) -> None:
        """Take sound from stage. Sound of an older generation is dropped; a newer one interrupts."""
        if speech.generation < self.generation:
            return
        if speech.generation > self.generation:
            self.interrupt(speech.generation)
        self._queue.push(speech)
        self._report_finished(self.pts)

    def truncate(self) -> None:
        """Whoever sent speech is gone: sentences end with the sound that has arrived."""
        self._queue.truncate()
        self._report_finished(self.pts)

    def _report_finished(self, pts: int) -> None:
        """Report sentences that had come to their end by `pts`; an end may come without a frame of its own."""
        for sentence in self._queue.finish_empty():
            heard_ms = sentence.performed * FRAME_MS
            self._send(self.reports.add("ended", sentence.sentence, sentence.turn, pts, heard_ms))

    def interrupt(self, generation: int) -> None:
        """Drop everything older than `generation`, now; what is cut is reported with the time heard."""
        if generation <= self.generation:
            return
        self.generation = generation
        silent_from = self.pts + (SAMPLES_PER_FRAME if self._busy else 0)
        ahead = [*(frame for frame, _ in self._rendered), *self._ahead]
        upcoming = ahead[0].pcm if ahead else self._queue.peek_pcm()
        self._rendered.clear()
        for sentence in self._queue.drop_older(generation):
            on_air = self._on_air is not None and self._on_air.sentence is sentence
            heard = sentence.performed + on_air
            self._send(self.reports.add("cut", sentence.sentence, sentence.turn, silent_from, heard * FRAME_MS))
            self._fade_from(heard, upcoming)
        self._send(
            {
                "type": "interrupted",
                "room": self.room,
                "generation": generation,
                "epoch": self.epoch,
                "pts": silent_from,
            }
        )

    def _fade_from(self, heard: int, upcoming: Int16 | None) -> None:
        """A cut in the middle of a sentence fades over 10 ms, so that it does not click."""
        if heard and upcoming is not None and self._fade is None:
            fade = np.zeros(SAMPLES_PER_FRAME, np.float32)
            length = ms_to_samples(FADE_MS)
            fade[:length] = upcoming[:length] * np.linspace(1, 0, length, dtype=np.float32)
            self._fade = fade.astype(np.int16)

    def request_keyframe(self) -> None:
        """The next frame, at most once a second, is an IDR."""
        self._encoder.request_keyframe()

    def build_playhead(self) -> dict[str, Any]:
        """Where this room stands (docs/wire-protocol.md)."""
        return {
            "type": "playhead",
            "room": self.room,
            "epoch": self.epoch,
            "pts": self.pts,
            "generation": self.generation,
            "buffered_ms": self._queue.buffered_ms,
            "speaking": self._queue.current is not None,
            "sentences": self._queue.sentence_ids,
            "fps": FPS,
            "render_ms": round(self._render_ms, 1),
            "underruns": self.underruns,
            "slips": self.slips,
            "refused": self._queue.refused,
        }
