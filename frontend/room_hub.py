"""One room's media in this web process: one stream in, any number of viewers out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from avatar_engine.stream.codec import CodecConfig
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import FPS, SAMPLES_PER_FRAME
from frontend.display_meter import DisplayMeter
from frontend.hub_time import HubTime
from frontend.idle_clip import IdleClip, IdleClipBuilder, IdleClipStore
from frontend.idle_loop import IdleLoop
from frontend.media_message import (
    build_fragment_message,
    build_holding,
    build_init_notes,
    build_interrupt,
    build_timeline,
)
from frontend.room_clock import RoomClock
from frontend.viewer_queue import Fragment, ViewerQueue

log = logging.getLogger(__name__)

LOST_AFTER_S = 0.8
FRAME_S = 1 / FPS
HOLD_LEAD_S = 4 * FRAME_S
KEYFRAME_GAP_S = 1.0
GOP_CACHE_FRAGMENTS = 100
LONGEST_BRIDGE_FRAMES = FPS
REWINDS_PAST_S = 3.0
BEHIND_MARGIN_S = 5 * FRAME_S
CLOSE_LEFT, CLOSE_GOING = 1000, 1001


class State(Enum):
    """What viewers of a room get now."""

    OFF_AIR = "off_air"
    LIVE = "live"
    HOLDING = "holding"


@dataclass(frozen=True, slots=True)
class RoomEvents:
    """What a room reports, without its name: see `HubHooks`."""

    displayed: Callable[[int, int, float], None]
    delivered: Callable[[int, int, int, float], None]
    keyframe_wanted: Callable[[], None]
    audience: Callable[[int], None]


class RoomHub:
    """Wraps each envelope once, keeps what a late joiner needs, and holds the picture while render is away.

    Lives on one event loop; nothing here waits for a viewer. Room pts is contiguous: a new epoch, a lost frame or
    the idle clip continue right after the last published frame, and viewers get a `timeline` note.
    """

    def __init__(self, slug: str, events: RoomEvents, time: HubTime, clips: IdleClipStore | None) -> None:
        """A stored idle clip is held at once, until render is back or the room goes off air."""
        self.slug = slug
        self._events = events
        self._time = time
        self._clips = clips
        self._room_clock = RoomClock(time.wall())
        self._meter = DisplayMeter(time.clock)
        self._builder = IdleClipBuilder()
        self._clip: IdleClip | None = clips.load(slug) if clips else None
        self._viewers: set[ViewerQueue] = set()
        self._config: CodecConfig | None = None
        self._gop: list[Fragment] = []
        self._out_seq = 0
        self._dropped_of_gone = 0
        self._last: MediaEnvelope | None = None
        self._last_at = time.clock()
        self._asked_at = float("-inf")
        self._state = State.OFF_AIR
        self._watchdog: asyncio.Task[None] | None = None
        self._idle_loop = IdleLoop(slug, time, self._emit_idle)
        if self._clip is not None:
            self._hold()

    @property
    def state(self) -> State:
        return self._state

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    @property
    def frames_offered(self) -> int:
        """Frames that went to the viewers' queues so far, those of the idle clip too."""
        return self._out_seq

    @property
    def queue_depths(self) -> list[int]:
        """Messages that wait for each viewer."""
        return [viewer.waiting for viewer in self._viewers]

    @property
    def dropped(self) -> int:
        """Frames that viewers were too slow for, those who left included."""
        return self._dropped_of_gone + sum(viewer.dropped for viewer in self._viewers)

    # from render

    def publish(self, envelope: MediaEnvelope, offset: int | None = None) -> None:
        """Pass a frame to all viewers.

        With `offset` its room pts is pts + offset, as in every web copy; otherwise it goes right behind the last one.
        Dropped: frames of an older epoch while a newer one is live, repeated frames, and frames that cannot be
        decoded because one before them is missing; for these a key frame is asked for.
        """
        if not self._is_decodable(envelope):
            return
        if offset is not None and not self._make_way(envelope.pts + offset):
            return
        before, self._last = self._last, envelope
        self._last_at = self._time.clock()
        self._go_live()
        room_pts, moved = self._room_clock.place(envelope.epoch, envelope.pts, offset)
        if moved:
            self._note(build_timeline(envelope.epoch, room_pts - envelope.pts))
        self._emit(envelope, room_pts, envelope.wall_us / 1000)
        if envelope.speaking and not (
            before and before.speaking and (before.epoch, before.generation) == (envelope.epoch, envelope.generation)
        ):
            self._meter.mark_speech(room_pts)
            self._events.delivered(envelope.epoch, envelope.pts, envelope.generation, self._time.wall() * 1000)

    def put_idle_clip(self, index: int, count: int, envelope: MediaEnvelope) -> None:
        """Take one frame of the clip to hold with. Raises `WireError` for frames that make no clip."""
        clip = self._builder.add(index, count, envelope)
        if clip is not None:
            self.set_idle_clip(clip)

    def set_idle_clip(self, clip: IdleClip) -> None:
        """Hold with this clip from now on."""
        self._clip = clip
        if self._clips is not None:
            self._clips.save(self.slug, clip)
        if self._state is State.HOLDING and not self._idle_loop.running:
            self._start_idle_loop()

    def render_lost(self) -> None:
        """The render process is gone: hold the picture."""
        if self._state is State.LIVE:
            self._hold()

    def interrupt(self, epoch: int, pts: int) -> None:
        """Tell the pages that speech is cut at `pts`."""
        self._note(build_interrupt(epoch, pts))

    def go_off_air(self) -> None:
        """Stop sending and forget the picture; viewers stay for the next time."""
        if self._state is State.HOLDING:
            self._note(build_holding(False))
        self._state = State.OFF_AIR
        self._idle_loop.stop()
        self._stop_watchdog()
        self._gop.clear()
        self._config = self._clip = self._last = None
        if self._clips is not None:
            self._clips.delete(self.slug)

    # from viewers

    def subscribe(self) -> ViewerQueue:
        """A new viewer's queue, already holding codec, timeline and the current group of pictures."""
        viewer = ViewerQueue(self._time.clock)
        if self._config is not None:
            for note in build_init_notes(self._config, self._out_seq, self._room_clock.next_pts):
                viewer.note(note)
        for epoch, offset in self._room_clock.timeline():
            viewer.note(build_timeline(epoch, offset))
        if self._state is State.HOLDING:
            viewer.note(build_holding(True))
        viewer.replay(self._gop)
        if self._state is State.LIVE and not self._gop:
            self.want_keyframe()
        self._viewers.add(viewer)
        self._events.audience(len(self._viewers))
        return viewer

    def unsubscribe(self, viewer: ViewerQueue) -> None:
        """The viewer left. Again is harmless."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            self._dropped_of_gone += viewer.dropped
            viewer.close(CLOSE_LEFT)
            self._events.audience(len(self._viewers))

    def acknowledge(self, viewer: ViewerQueue, seq: int, displayed: int) -> None:
        """A viewer has all up to `seq` and shows room pts `displayed`. Claims about the future change nothing."""
        viewer.acknowledge(seq)
        where = self._room_clock.locate(displayed)
        if where is not None and self._meter.is_news(displayed):
            self._events.displayed(*where, self._time.wall() * 1000)

    def want_keyframe(self) -> None:
        """Ask render for a key frame, at most once a second."""
        now = self._time.clock()
        if now - self._asked_at >= KEYFRAME_GAP_S:
            self._asked_at = now
            self._events.keyframe_wanted()

    def close(self) -> None:
        """Stop what runs here and let the viewers go."""
        self._idle_loop.stop()
        self._stop_watchdog()
        for viewer in self._viewers:
            viewer.close(CLOSE_GOING)
        self._viewers.clear()

    # inside

    def _is_decodable(self, envelope: MediaEnvelope) -> bool:
        last, live = self._last, self._state is State.LIVE
        if last is not None and live:
            if envelope.epoch < last.epoch or (envelope.epoch == last.epoch and envelope.seq <= last.seq):
                return False
            if envelope.epoch == last.epoch and envelope.seq == last.seq + 1:
                return True
        if envelope.key:
            return True
        self.want_keyframe()
        return False

    def _make_way(self, room_pts: int) -> bool:
        """Bring the room clock to a frame whose place is given; False where the clock is beyond it already.

        What is missing while the picture is held is filled from the idle clip. Where the clip went further than the
        stream, it waits until the stream has overtaken it; then a key frame can come in.
        """
        ahead = (room_pts - self._room_clock.next_pts) // SAMPLES_PER_FRAME
        if 0 < ahead <= LONGEST_BRIDGE_FRAMES and self._idle_loop.running:
            self._idle_loop.skip(ahead)
        if ahead >= 0 or -ahead * FRAME_S > REWINDS_PAST_S:
            return True
        if self._idle_loop.running:
            self._idle_loop.go_on_at(self._time.clock() - ahead * FRAME_S + BEHIND_MARGIN_S)
        self.want_keyframe()
        return False

    def _go_live(self) -> None:
        if self._state is State.HOLDING:
            self._idle_loop.stop()
            self._note(build_holding(False))
        self._state = State.LIVE
        if self._watchdog is None:
            self._watchdog = asyncio.get_running_loop().create_task(self._watch(), name=f"watch-{self.slug}")

    def _emit(self, envelope: MediaEnvelope, room_pts: int, wall_ms: float) -> None:
        self._out_seq += 1
        if envelope.config is not None:
            self._gop = []
            if envelope.config != self._config:
                self._config = envelope.config
                for note in build_init_notes(self._config, self._out_seq, room_pts):
                    self._note(note)
        if self._config is None:
            raise RuntimeError("a frame before the first key frame")
        data = build_fragment_message(self._out_seq, envelope, room_pts, self._config.preskip, wall_ms)
        fragment = Fragment(self._out_seq, envelope.key, data)
        if self._gop or fragment.key:
            self._gop.append(fragment)
        if len(self._gop) > GOP_CACHE_FRAGMENTS:
            self._gop = []
            self.want_keyframe()
        for viewer in self._viewers:
            viewer.offer(fragment)

    def _note(self, note: str | bytes) -> None:
        for viewer in self._viewers:
            viewer.note(note)

    async def _watch(self) -> None:
        """Hold when a live room gets nothing for a while."""
        while True:
            left_s = self._last_at + LOST_AFTER_S - self._time.clock()
            if self._state is State.LIVE and left_s <= 0:
                log.warning("room %s: no frame for %.1f s, holding the picture", self.slug, LOST_AFTER_S)
                self._hold()
            await self._time.sleep(left_s if left_s > 0 else LOST_AFTER_S)

    def _hold(self) -> None:
        self._state = State.HOLDING
        self._note(build_holding(True))
        self._start_idle_loop()

    def _stop_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _start_idle_loop(self) -> None:
        if self._clip is not None:
            # Where the stream broke off, but at most four frames ago: enough to fill a page's buffer again.
            started = max(self._last_at + FRAME_S, self._time.clock() - HOLD_LEAD_S)
            self._idle_loop.start(self._clip, started)

    def _emit_idle(self, envelope: MediaEnvelope) -> None:
        self._emit(envelope, self._room_clock.place_idle(), self._time.wall() * 1000)
