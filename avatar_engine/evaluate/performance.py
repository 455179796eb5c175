"""Speech through the real path of the stage, without its clock: queue, features, session, paste."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from avatar_engine.compose.paste import paste
from avatar_engine.lipsync.base import Capabilities, FeatureExtractor, Session
from avatar_engine.speech_queue import SpeechQueue, SpokenFrame
from avatar_engine.timing import CHUNK_SAMPLES, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from avatar_engine.types import Int16, Mark, SpeechWindow, UInt8
from avatar_engine.wire import Speech

_CHUNKS_PER_SPEECH = 50


@dataclass(slots=True)
class DrawnFrame:
    """One frame of a take: uint8[h, w, 3] RGB, its source frame without the drawn mouth (None for families that draw
    whole frames), the pose it was drawn for, and the seconds that drawing it took."""

    picture: UInt8
    source: UInt8 | None
    pose: int
    draw_s: float


def perform(
    session: Session,
    extractor: FeatureExtractor,
    capabilities: Capabilities,
    sound: Int16,
    marks: Sequence[Mark] = (),
    first_pose: int = 0,
) -> Iterator[DrawnFrame]:
    """Draw one sentence, frame by frame: sound int16[n] mono 48 kHz, marks from its beginning.

    The session keeps what speech leaves behind; a new one per take makes takes independent. ceil(n / 1920) frames.
    """
    queue = SpeechQueue(extractor, capabilities, limit_s=sound.size / SAMPLE_RATE_HZ + 1)
    for speech in _cut_speech(sound, marks):
        queue.push(speech)
    pose = first_pose
    while batch := _take_batch(queue, capabilities.chunk_frames):
        began = time.perf_counter()
        frames = _draw(session, batch, pose)
        each_s = (time.perf_counter() - began) / len(batch)
        for picture, source in frames:
            yield DrawnFrame(picture, source, pose, each_s)
            pose += 1


def _cut_speech(sound: Int16, marks: Sequence[Mark]) -> Iterator[Speech]:
    padded = np.pad(sound, (0, -sound.size % CHUNK_SAMPLES))
    step = _CHUNKS_PER_SPEECH * CHUNK_SAMPLES
    starts = range(0, max(padded.size, 1), step)
    for seq, start in enumerate(starts):
        yield Speech(
            room="",
            generation=0,
            turn=0,
            sentence=1,
            seq=seq,
            last=seq == len(starts) - 1,
            pcm=padded[start : start + step],
            marks=tuple(marks) if seq == 0 else (),
        )


def _take_batch(queue: SpeechQueue, most: int) -> list[SpokenFrame]:
    batch: list[SpokenFrame] = []
    while len(batch) < most and (frame := queue.take()) is not None:
        batch.append(frame)
    return batch


def _draw(session: Session, batch: list[SpokenFrame], first_pose: int) -> list[tuple[UInt8, UInt8 | None]]:
    poses = np.arange(first_pose, first_pose + len(batch), dtype=np.int32)
    window = SpeechWindow(
        features=np.concatenate([frame.features for frame in batch]),
        marks=batch[0].marks,
        speaking=np.ones(len(batch), np.bool_),
    )
    patch = session.render(window, poses)
    drawn = []
    for number, pose in enumerate(poses):
        source = session.source(int(pose))
        mask = None if patch.mask is None else patch.mask[number]
        drawn.append((paste(source, patch.rgb[number], patch.affine[number], mask), source))
    return drawn


def count_frames(sound: Int16) -> int:
    """Frames that `perform` draws for int16[n] at 48 kHz."""
    return -(-sound.size // SAMPLES_PER_FRAME)
