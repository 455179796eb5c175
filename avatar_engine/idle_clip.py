"""The idle loop, encoded once, so that the hub can hold the picture when render dies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from avatar_engine.compose.paste import paste
from avatar_engine.lipsync.base import LipSyncEngine, Session
from avatar_engine.performer import SILENCE
from avatar_engine.performer_spec import RoomSpec
from avatar_engine.stream.encoder import StreamEncoder
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.timing import SAMPLES_PER_FRAME
from avatar_engine.types import SpeechWindow

MOST_FRAMES = 500
"""20 s: the whole way there and back of a source loop of 10 s, so that the clip closes without a jump."""
PAUSE_S = 0.01
SETTLE_S = 1.0


async def send_idle_clip(
    engine: LipSyncEngine,
    spec: RoomSpec,
    encoder: StreamEncoder,
    send: Callable[[int, int, MediaEnvelope], None],
) -> None:
    """Render and encode one silent loop and hand it over as (index, count, envelope).

    Works a frame at a time with a pause after each, so that going on air does not stutter and the link does not fill.
    """
    await asyncio.sleep(SETTLE_S)
    session = await asyncio.to_thread(engine.open, spec.seed, spec.width, spec.height)
    count = min(session.loop_frames, MOST_FRAMES)
    clip = []
    for index in range(count):
        clip.append(await asyncio.to_thread(_encode_frame, session, encoder, index))
        await asyncio.sleep(PAUSE_S)
    for index, envelope in enumerate(clip):
        send(index, count, envelope)
        await asyncio.sleep(PAUSE_S)  # the link holds no more than this many frames at once


def _encode_frame(session: Session, encoder: StreamEncoder, index: int) -> MediaEnvelope:
    window = SpeechWindow(np.zeros((1, 0), np.float32), (), np.zeros(1, np.bool_))
    patch = session.render(window, np.array([index], np.int32))
    mask = None if patch.mask is None else patch.mask[0]
    picture = paste(session.source(index), patch.rgb[0], patch.affine[0], mask)
    return encoder.encode(
        picture, SILENCE, epoch=0, pts=index * SAMPLES_PER_FRAME, speaking=False, generation=0, idle=True
    )
