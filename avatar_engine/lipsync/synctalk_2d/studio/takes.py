"""The takes of the presenter's training: what the voices say, the mouths with it, and the pose of each frame."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar_engine.lipsync.synctalk_2d.encoder_training.corpus import Group, make_corpus
from avatar_engine.lipsync.synctalk_2d.source_loop import count_round_trip, find_frame
from avatar_engine.lipsync.synctalk_2d.studio.speech import SOUND_RATE_HZ, build_mouths
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32, Int32, Mark

VOICES: tuple[Group, ...] = (
    Group("hibari", "en", 24, 1),
    Group("xiaoxiao", "zh", 13, 2),
    Group("heart", "en", 10, 3),
    Group("between", "zh", 3, 4),
    Group("between", "en", 3, 5),
    Group("beyond_heart", "en", 3, 6),
    Group("beyond_xiaoxiao", "zh", 3, 7),
)
"""The head of each group of the encoder's corpus, so that a corpus made for one serves both."""
_LEAD_MS = (0, 80, 200)
_TAIL_MS = 320
_HELD_OUT_EVERY = 11
_FRAME_SAMPLES = SOUND_RATE_HZ * FRAME_MS // 1000


@dataclass(frozen=True, slots=True)
class Take:
    """One sentence. sound: float32[n] at 16 kHz in -1..1. mouths: float32[frames, 9]. poses: int32[frames], frames of
    the idle loop.
    """

    name: str
    sound: Float32
    mouths: Float32
    poses: Int32


def record_voices(folder: Path, kokoro: Path, groups: Sequence[Group] = VOICES) -> None:
    """Let the voices say what is not yet in `folder`. `kokoro` is the network's file. Raises `VoiceError`."""
    make_corpus(folder, kokoro, groups)


def plan_takes(folder: Path, seed: int, loop_frames: int, groups: Sequence[Group] = VOICES) -> Iterator[Take]:
    """All takes in a fixed order, from what `record_voices` left in `folder`."""
    rng = np.random.default_rng([seed, 251])
    for group in groups:
        for number in range(group.sentences):
            path = folder / group.name / f"{number:04d}.npz"
            with np.load(path) as kept:
                pcm = kept["pcm"].astype(np.float32) / 32768
                marks = [Mark("phoneme", sign, start, end) for sign, start, end in json.loads(str(kept["marks"]))]
            start = int(rng.integers(count_round_trip(loop_frames)))
            lead_ms = int(rng.choice(_LEAD_MS))
            yield _build_take(f"{group.name}/{number:04d}", pcm, marks, lead_ms, start, loop_frames)


def _build_take(name: str, pcm: Float32, marks: Sequence[Mark], lead_ms: int, start: int, loop_frames: int) -> Take:
    lead, tail = (np.zeros(ms * SOUND_RATE_HZ // 1000, np.float32) for ms in (lead_ms, _TAIL_MS))
    sound = np.concatenate([lead, pcm, tail])
    frames = len(sound) // _FRAME_SAMPLES
    moved = [Mark(m.kind, m.text, m.start_ms + lead_ms, m.end_ms + lead_ms) for m in marks]
    poses = np.array([find_frame(start + i, loop_frames) for i in range(frames)], np.int32)
    return Take(name, sound[: frames * _FRAME_SAMPLES], build_mouths(sound, moved, frames), poses)


def find_held_out(lengths: Sequence[int]) -> Int32:
    """The samples of every eleventh take, int32[K]; `lengths` are the frames of all takes."""
    starts = np.concatenate([[0], np.cumsum(lengths)])
    chosen = [np.arange(starts[i], starts[i + 1]) for i in range(len(lengths)) if i % _HELD_OUT_EVERY == 5]
    return np.concatenate(chosen).astype(np.int32) if chosen else np.zeros(0, np.int32)
