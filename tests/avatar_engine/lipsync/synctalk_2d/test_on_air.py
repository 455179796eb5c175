"""A filmed presenter in a room: the real performer, encoder, sound network and picture network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import av
import numpy as np

from avatar_engine.performer_spec import RoomSpec
from avatar_engine.stage_set import StageSet
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.types import Int32, UInt8
from avatar_engine.wire import Speech
from tests.support.tiny_avatar import build_tiny_avatar
from tests.support.web_copies import eventually

SPEC = RoomSpec(engine="synctalk_2d", avatar="tiny", width=192, height=160, seed=1, video_kbps=0)
SPEECH_FRAMES = 30


def build_speech() -> Speech:
    t = np.arange(1920 * SPEECH_FRAMES) / 48_000
    pcm = np.round(8000 * np.sin(2 * np.pi * 150 * t) * np.abs(np.sin(2 * np.pi * 2 * t))).astype(np.int16)
    return Speech("room", 1, 5, 7, 0, True, pcm, ())


def decode(envelopes: list[MediaEnvelope]) -> list[UInt8]:
    codec = av.CodecContext.create("h264", "r")
    codec.extradata = next(e.config for e in envelopes if e.config is not None).avcc
    frames = [frame for e in envelopes for frame in codec.decode(av.Packet(e.video))]
    return [frame.to_ndarray(format="rgb24") for frame in [*frames, *codec.decode(None)]]


def cut_mouth(picture: UInt8 | None) -> Int32:
    assert picture is not None
    return picture[60:125, 40:150].astype(np.int32)


async def test_it_rests_speaks_and_rests_again(tmp_path: Path) -> None:
    await asyncio.to_thread(build_tiny_avatar, tmp_path / "avatars" / "tiny")
    told: list[dict[str, Any]] = []
    shown: list[MediaEnvelope] = []
    rooms = StageSet(
        tmp_path,
        "cpu",
        send=told.append,
        send_media=lambda room, envelope: shown.append(envelope),
        send_clip=lambda *_: None,
        encoder="h264",
    )
    try:
        await rooms.open("room", SPEC, 1)
        assert [message["type"] for message in told] == ["room.opened", "playhead"]
        await eventually(lambda: len(shown) > 5, 30)
        session = rooms.performers["room"].session
        rooms.performers["room"].push(build_speech())
        await eventually(lambda: any(m.get("event") == "ended" for m in told), 60)
        ended = len(shown)
        await eventually(lambda: len(shown) > ended + 8, 30)
    finally:
        await rooms.close()
    report = next(m for m in told if m.get("event") == "ended")
    assert report["heard_ms"] == SPEECH_FRAMES * 40
    pictures = decode(shown)
    speaking = [envelope.speaking for envelope in shown]
    assert sum(speaking) == SPEECH_FRAMES
    # A busy machine repeats pictures instead of being late, so single frames may be older than they should be.
    away = [np.abs(cut_mouth(picture) - cut_mouth(session.source(n))).mean() for n, picture in enumerate(pictures)]
    first = speaking.index(True)
    assert min(away[:first]) < 3
    assert np.median(away[first + 5 : first + SPEECH_FRAMES]) > 5
    assert min(away[first + SPEECH_FRAMES + 3 :]) < 3
    assert [envelope.pts for envelope in shown] == [1920 * number for number in range(len(shown))]
