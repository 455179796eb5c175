"""What this web process sees of its rooms: viewers, their queues, and what render says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from avatar_engine.timing import SAMPLES_PER_FRAME
from frontend.hub import MediaHub
from frontend.room_hub import State
from frontend.switchboard import Switchboard

PLAYHEAD_COUNTERS = {
    "underruns": "Frames of a sentence that had no sound yet.",
    "slips": "Times that render was more than 2 s late and let the clock go.",
    "refused": "Pieces of speech that found render's speech queue full or came out of order.",
    "link_dropped": "Frames that render's link outbox dropped.",
}


class RoomMeter(Collector):
    """Reads hub and relay at every scrape. Counters are those of this process: sum them over web copies."""

    def __init__(self, hub: MediaHub, relay: Switchboard) -> None:
        self._hub = hub
        self._relay = relay

    def collect(self) -> Iterator[Metric]:
        yield from self._collect_hub()
        yield from self._collect_render()

    def _collect_hub(self) -> Iterator[Metric]:
        viewers = GaugeMetricFamily("footlight_viewers", "Media viewers of a room.", labels=["room"])
        state = GaugeMetricFamily(
            "footlight_room_state", "1 for the state that a room is in.", labels=["room", "state"]
        )
        frames = CounterMetricFamily("footlight_room_frames", "Frames offered to viewers of a room.", labels=["room"])
        waiting = GaugeMetricFamily(
            "footlight_viewer_queue_depth", "Messages that wait for viewers of a room.", labels=["room", "of"]
        )
        dropped = CounterMetricFamily(
            "footlight_viewer_queue_dropped", "Frames that slow viewers of a room did not get.", labels=["room"]
        )
        for slug, room in self._hub.rooms.items():
            viewers.add_metric([slug], room.viewer_count)
            for known in State:
                state.add_metric([slug, known.value], known is room.state)
            frames.add_metric([slug], room.frames_offered)
            waiting.add_metric([slug, "deepest"], max(room.queue_depths, default=0))
            waiting.add_metric([slug, "all"], sum(room.queue_depths))
            dropped.add_metric([slug], room.dropped)
        yield from (viewers, state, frames, waiting, dropped)

    def _collect_render(self) -> Iterator[Metric]:
        playheads = self._relay.playheads
        buffered = GaugeMetricFamily(
            "footlight_speech_queue_ms", "Speech that waits in render, in milliseconds.", labels=["room"]
        )
        spent = GaugeMetricFamily("footlight_render_ms", "Milliseconds that a picture takes.", labels=["room"])
        frames = CounterMetricFamily("footlight_render_frames", "Frames of this epoch.", labels=["room"])
        for slug, playhead in playheads.items():
            buffered.add_metric([slug], float(playhead.get("buffered_ms", 0)))
            spent.add_metric([slug], float(playhead.get("render_ms", 0)))
            frames.add_metric([slug], int(playhead.get("pts", 0)) // SAMPLES_PER_FRAME)
        yield from (buffered, spent, frames)
        for name, text in PLAYHEAD_COUNTERS.items():
            counter = CounterMetricFamily(f"footlight_render_{name}", text, labels=["room"])
            for slug, playhead in playheads.items():
                counter.add_metric([slug], float(playhead.get(name, 0)))
            yield counter
