"""Messages of the media socket, server to page (docs/wire-protocol.md, section 3)."""

from __future__ import annotations

import json
import struct

from avatar_engine.stream.codec import CodecConfig
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.stream.fmp4 import build_fragment, build_init

KIND_INIT, KIND_FRAGMENT = 1, 2
HEADER = struct.Struct("<BBHIQd")


def build_hello(ack_every: int) -> str:
    """The first message; `ack_every`: fragments between two acknowledgements."""
    return json.dumps({"type": "hello", "ack_every": ack_every})


def build_timeline(epoch: int, offset: int) -> str:
    """room pts = epoch pts + offset, in samples."""
    return json.dumps({"type": "timeline", "epoch": epoch, "offset": offset})


def build_holding(on: bool) -> str:
    """Whether the idle clip is looped."""
    return json.dumps({"type": "holding", "on": on})


def build_interrupt(epoch: int, pts: int) -> str:
    """Speech is cut at `pts` of `epoch`."""
    return json.dumps({"type": "interrupt", "epoch": epoch, "pts": pts})


def build_init_notes(config: CodecConfig, seq: int, room_pts: int) -> tuple[str, bytes]:
    """The text that names the codec, and the init segment."""
    text = json.dumps({"type": "init", "mime": config.mime, "width": config.width, "height": config.height})
    return text, HEADER.pack(KIND_INIT, 0, 0, seq, room_pts, 0.0) + build_init(config)


def build_fragment_message(seq: int, envelope: MediaEnvelope, room_pts: int, preskip: int, wall_ms: float) -> bytes:
    """Header and moof+mdat of one frame. `wall_ms`: when it was rendered, milliseconds since 1970."""
    header = HEADER.pack(KIND_FRAGMENT, envelope.flags, 0, seq & 0xFFFFFFFF, room_pts, wall_ms)
    return header + build_fragment(seq, envelope, room_pts, preskip)
