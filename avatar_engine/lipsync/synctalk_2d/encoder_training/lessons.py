"""Clips made into numbers to learn from: disturbed sound, and what the mouth does with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avatar_engine.features.mel import RATE_HZ
from avatar_engine.lipsync.drawn.shape import AXES
from avatar_engine.lipsync.synctalk_2d.encoder_training.corpus import Clip
from avatar_engine.lipsync.synctalk_2d.encoder_training.disturb import build_throat, disturb, stretch
from avatar_engine.lipsync.synctalk_2d.encoder_training.filmed import LIPS, OPENING, WIDTH, FilmedClip
from avatar_engine.lipsync.synctalk_2d.encoder_training.targets import (
    AROUND,
    MIDDLE,
    build_mouth,
    count_rows,
    cut_columns,
    spread,
)
from avatar_engine.timing import FPS
from avatar_engine.types import Float32, Int16, Int32, Mark

SLOWEST, FASTEST = 0.75, 1.2
"""Range of `stretch`."""
THROATS = (0.85, 1.12)
"""Range of `build_throat`."""
CLIPS_PER_LESSON = 48
_FRAME = RATE_HZ // FPS
_TAIL_S = 0.3
_LEAST_CLIP = 6 * _FRAME


@dataclass(frozen=True, slots=True)
class Rows:
    """What the encoder sees and should say, row by row.

    columns: float32[R, 1, 80, 16]. shapes: float32[R, 5 * 9]. visemes: int32[R]. lips: float32[R, 5 * 2].
    said: bool[R], True where `shapes` and `visemes` count, False where `lips` do.
    """

    columns: Float32
    shapes: Float32
    visemes: Int32
    lips: Float32
    said: npt.NDArray[np.bool_]

    def take(self, places: npt.NDArray[np.intp]) -> Rows:
        """The rows at `places`."""
        return Rows(
            self.columns[places], self.shapes[places], self.visemes[places], self.lips[places], self.said[places]
        )


def build_said_rows(clip: Clip, draw: np.random.Generator | None) -> Rows:
    """A said clip. `draw` stretches and disturbs it; without, it is heard as it is."""
    sound = _to_float(clip.pcm)
    factor = 1.0 if draw is None else float(draw.uniform(SLOWEST, FASTEST))
    lead = 0 if draw is None else int(draw.integers(0, 12 * _FRAME))
    stretched = sound if draw is None else stretch(sound, factor)
    played: Float32 = np.pad(stretched, (lead, int(_TAIL_S * RATE_HZ)))
    shift = lead * 1000 / RATE_HZ
    marks = [Mark(m.kind, m.text, m.start_ms / factor + shift, m.end_ms / factor + shift) for m in clip.marks]
    shapes, visemes = build_mouth(marks, len(played) // _FRAME)
    rows = count_rows(len(shapes))
    heard = played if draw is None else disturb(played, draw)
    return Rows(
        cut_columns(heard, rows, _draw_throat(draw)),
        spread(shapes, rows),
        visemes[MIDDLE : MIDDLE + rows],
        np.zeros((rows, AROUND * LIPS), np.float32),
        np.ones(rows, np.bool_),
    )


def build_filmed_rows(clip: FilmedClip, draw: np.random.Generator | None) -> Rows:
    """A filmed clip; its lips come from `scale_lips`."""
    sound = _to_float(clip.pcm)
    factor = 1.0 if draw is None else float(draw.uniform(SLOWEST, FASTEST))
    played = sound if draw is None else disturb(stretch(sound, factor), draw)
    frames = min(len(played) // _FRAME, int(len(clip.lips) / factor))
    times = (np.arange(frames) + 0.5) * factor - 0.5
    known = np.arange(len(clip.lips))
    lips = np.stack([np.interp(times, known, column) for column in clip.lips.T], axis=1).astype(np.float32)
    rows = count_rows(frames)
    return Rows(
        cut_columns(played, rows, _draw_throat(draw)),
        np.zeros((rows, AROUND * AXES), np.float32),
        np.zeros(rows, np.int32),
        spread(lips, rows),
        np.zeros(rows, np.bool_),
    )


def _draw_throat(draw: np.random.Generator | None) -> Float32 | None:
    return None if draw is None else build_throat(float(draw.uniform(*THROATS)))


def _to_float(pcm: Int16) -> Float32:
    return np.asarray(pcm / np.float32(32768), np.float32)


def scale_lips(clips: Sequence[FilmedClip]) -> list[FilmedClip]:
    """Clips of one speaker with lips comparable to other speakers': opening 1 at its 95th percentile, width from its
    median in units of its spread."""
    every = np.concatenate([clip.lips for clip in clips])
    low, middle, high = np.percentile(every[:, WIDTH], (5, 50, 95))
    widest = max(float(np.percentile(every[:, OPENING], 95)), 1e-6)
    scaled = []
    for clip in clips:
        lips = np.empty_like(clip.lips)
        lips[:, OPENING] = clip.lips[:, OPENING] / widest
        lips[:, WIDTH] = (clip.lips[:, WIDTH] - middle) / max(float(high - low), 1e-6)
        scaled.append(FilmedClip(clip.name, clip.pcm, lips))
    return scaled


class Lessons:
    """All training clips, cut into lessons of a few clips each; lesson n is the same whenever it is asked for."""

    def __init__(self, said: Sequence[Clip], filmed: Sequence[FilmedClip], seed: int) -> None:
        clips: list[Clip | FilmedClip] = [*said, *filmed]
        self._clips = [clip for clip in clips if clip.pcm.size >= _LEAST_CLIP]
        self._seed = seed
        self.per_epoch = max(1, len(self._clips) // CLIPS_PER_LESSON)

    def build(self, number: int) -> Rows:
        """The rows of lesson `number`, in a random order."""
        epoch, place = divmod(number, self.per_epoch)
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._clips))
        draw = np.random.default_rng((self._seed, epoch, place))
        chosen = order[place * CLIPS_PER_LESSON : (place + 1) * CLIPS_PER_LESSON]
        rows = join_rows(list(self._disturbed([self._clips[at] for at in chosen], draw)))
        return rows.take(draw.permutation(len(rows.said)))

    @staticmethod
    def _disturbed(clips: Sequence[Clip | FilmedClip], draw: np.random.Generator) -> Iterator[Rows]:
        for clip in clips:
            yield build_said_rows(clip, draw) if isinstance(clip, Clip) else build_filmed_rows(clip, draw)


def join_rows(parts: Sequence[Rows]) -> Rows:
    """All rows of `parts`, one part after the other."""
    return Rows(
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.shapes for part in parts]),
        np.concatenate([part.visemes for part in parts]),
        np.concatenate([part.lips for part in parts]),
        np.concatenate([part.said for part in parts]),
    )
