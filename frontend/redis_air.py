"""A room's pictures on Redis: published once, shown by the hub of every web copy that wants the room."""

from __future__ import annotations

import logging

from avatar_engine.errors import WireError
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import FPS, SAMPLES_PER_FRAME
from frontend.copy_tally import CopyTally
from frontend.hub import MediaHub
from frontend.idle_clip import IdleClipBuilder, build_clip_file, parse_clip
from frontend.redis_bus import RedisBus, pack_note, unpack_note
from frontend.room_clock import ORIGIN_S

log = logging.getLogger(__name__)

ROOM_CHANNEL = "room:"
CLIP_KEPT_S = 30 * 86_400
NOTE_PLACE_EVERY_FRAMES = FPS
LEAD_FRAMES = 3

# One clock for all copies: where an epoch begins in room time is decided once, by Redis, and stored with how far the
# room has come. A new epoch begins where the room is by then, LEAD_FRAMES later, so that no copy's idle clip is ahead
# of it. Room time is never before the wall clock counted from ORIGIN_S. Numbers go as text: Lua would round them.
PLACE = """
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local epoch, pts, known, origin_ms = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local lead, frame_samples, frame_ms = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local clock = redis.call('HMGET', KEYS[1], 'epoch', 'offset', 'next', 'at_ms')
local offset
if clock[1] == epoch then
  offset = tonumber(clock[2])
elseif known ~= '' then
  offset = tonumber(known)
else
  local frame = math.floor((now_ms - origin_ms) / frame_ms)
  if clock[3] then
    frame = math.max(frame, tonumber(clock[3]) + math.ceil((now_ms - tonumber(clock[4])) / frame_ms))
  end
  offset = (frame + lead) * frame_samples - pts
end
local text = string.format('%.0f', offset)
redis.call('HSET', KEYS[1], 'epoch', epoch, 'offset', text,
  'next', string.format('%.0f', (pts + offset) / frame_samples + 1), 'at_ms', string.format('%.0f', now_ms))
redis.call('EXPIRE', KEYS[1], 2592000)
return text
"""


class RedisAir:
    """`Air` over one bus, made anew with it."""

    def __init__(self, bus: RedisBus, tally: CopyTally) -> None:
        self._bus = bus
        self._tally = tally
        self._builders: dict[str, IdleClipBuilder] = {}
        self._placed: dict[str, tuple[int, int, int]] = {}

    async def publish(self, room: str, envelope: MediaEnvelope) -> None:
        """Send a frame to all copies, with the place of its epoch on the room clock. Raises `RedisError`."""
        epoch, offset, noted = self._placed.get(room, (-1, 0, 0))
        frame = envelope.pts // SAMPLES_PER_FRAME
        if epoch != envelope.epoch or frame - noted >= NOTE_PLACE_EVERY_FRAMES:
            offset = await self._place(room, envelope, str(offset) if epoch == envelope.epoch else "")
            self._placed[room] = (envelope.epoch, offset, frame)
        self._send(room, {"is": "frame", "offset": offset}, envelope.pack())

    async def _place(self, room: str, envelope: MediaEnvelope, known: str) -> int:
        arguments: list[str | int] = [str(envelope.epoch), envelope.pts, known, ORIGIN_S * 1000]
        arguments += [LEAD_FRAMES, SAMPLES_PER_FRAME, 1000 // FPS]
        return int(await self._bus.run_script(PLACE, [f"clock:{room}"], arguments))

    def put_idle_clip(self, room: str, index: int, count: int, envelope: MediaEnvelope) -> None:
        """Take one frame of the clip to hold with. Raises `WireError` for frames that make no clip."""
        clip = self._builders.setdefault(room, IdleClipBuilder()).add(index, count, envelope)
        if clip is not None:
            data = build_clip_file(clip)
            self._bus.keep(f"clip:{room}", data, CLIP_KEPT_S)
            self._send(room, {"is": "clip"}, data)

    def interrupt(self, room: str, epoch: int, pts: int) -> None:
        """Tell the pages that speech is cut at `pts`."""
        self._send(room, {"is": "interrupt", "epoch": epoch, "pts": pts})

    def render_lost(self, room: str) -> None:
        """The render process is gone: hold the picture."""
        self._send(room, {"is": "lost"})

    def close_room(self, room: str) -> None:
        """Off air."""
        self._bus.forget(f"clip:{room}")
        self._send(room, {"is": "off"})

    def viewer_count(self, room: str) -> int:
        """Media viewers of the room in all copies."""
        return self._tally.viewers()[room]

    def _send(self, room: str, header: dict[str, object], payload: bytes = b"") -> None:
        self._bus.send(ROOM_CHANNEL + room, pack_note(header, payload))


class RoomFeed:
    """Brings what copies publish of a room to the hub of this one."""

    def __init__(self, bus: RedisBus, hub: MediaHub) -> None:
        self._bus = bus
        self._hub = hub

    async def want(self, *rooms: str) -> None:
        """Show these rooms here. Raises `RedisError`."""
        if not rooms:
            return
        await self._bus.listen(*[ROOM_CHANNEL + room for room in rooms])
        for room in rooms:
            data = await self._bus.load(f"clip:{room}")
            shown = self._hub.rooms.get(room)
            if data is not None and shown is not None:
                shown.set_idle_clip(parse_clip(data))

    async def forget(self, room: str) -> None:
        """Show this room here no more. Raises `RedisError`."""
        await self._bus.ignore(ROOM_CHANNEL + room)

    def take(self, room: str, data: bytes) -> None:
        """A message of the room's channel. What cannot be read is logged and dropped."""
        try:
            self._apply(room, *unpack_note(data))
        except (WireError, KeyError, TypeError, ValueError) as error:
            log.warning("room %s: a message of another web copy was dropped: %s", room, error)

    def _apply(self, room: str, header: dict[str, object], payload: bytes) -> None:
        shown = self._hub.rooms.get(room)
        if shown is None:
            return  # the last of a room that is forgotten here
        kind = header["is"]
        if kind == "frame":
            shown.publish(MediaEnvelope.unpack(payload), int(str(header["offset"])))
        elif kind == "clip":
            shown.set_idle_clip(parse_clip(payload))
        elif kind == "interrupt":
            shown.interrupt(int(str(header["epoch"])), int(str(header["pts"])))
        elif kind == "lost":
            shown.render_lost()
        elif kind == "off":
            self._hub.close_room(room)
