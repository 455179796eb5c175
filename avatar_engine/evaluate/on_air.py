"""An avatar driven by speech through the real path of the stage: how its mouth moves, and how fast it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import soxr

from avatar_engine.evaluate.judge import Judge, Verdict
from avatar_engine.evaluate.judge_faces import Surroundings, build_squares, cut_face, keep_surroundings
from avatar_engine.evaluate.lips import LipReader, measure_opening
from avatar_engine.evaluate.opening import LagMatch, match_tracks
from avatar_engine.evaluate.performance import perform
from avatar_engine.evaluate.takes import Take
from avatar_engine.lipsync.base import FeatureExtractor, LipSyncEngine
from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Float32, Int16, UInt8

JUDGE_RATE_HZ = 16_000
KEPT_EVERY_FRAMES = 5
SETTLE_FRAMES = 3
"""Frames at the ends of a take in which the drawn mouth still takes the place of the source's own."""


@dataclass(slots=True)
class PlayedTake:
    """What came of a take. opening: float32[frames], NaN where no face was seen. pictures: some frames, to look at."""

    take: Take
    opening: Float32
    faces: UInt8
    pictures: list[UInt8] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OnAirFigures:
    """match: drawn against true opening, None where no mouth moved. fps: frames drawn per second, the slow start of
    each session left out. judges: by name."""

    match: LagMatch | None
    fps: float
    judges: dict[str, Verdict]


class Stand:
    """One loaded avatar with all that a take needs, at one size."""

    def __init__(
        self, engine: LipSyncEngine, extractor: FeatureExtractor, size: tuple[int, int], lips: LipReader
    ) -> None:
        self._engine = engine
        self._extractor = extractor
        self._size = size
        self._lips = lips
        self._known: dict[int, Float32 | None] = {}
        self._draw_s: list[float] = []

    def play(self, take: Take, first_pose: int = 0) -> PlayedTake:
        """Play one take in a session of its own, from pose `first_pose` on."""
        session = self._engine.open(1, *self._size)
        played = PlayedTake(take, np.full(take.opening.size, np.nan, np.float32), np.empty((0, 112, 112), np.uint8))
        seen: list[tuple[Surroundings, Float32]] = []
        frames = 0
        drawn = perform(session, self._extractor, self._engine.capabilities, take.sound, take.marks, first_pose)
        for number, frame in enumerate(drawn):
            if number:
                self._draw_s.append(frame.draw_s)
            points = self._find(frame.picture, frame.source, frame.pose % session.loop_frames)
            if points is not None and number < played.opening.size:
                played.opening[number] = measure_opening(points)
            near = points if points is not None else (seen[-1][1] if seen else None)
            if near is not None:
                seen.append((keep_surroundings(frame.picture, near), near))
            if number % KEPT_EVERY_FRAMES == 0:
                played.pictures.append(frame.picture)
            frames += 1
        if seen and len(seen) == frames:  # else faces and sound would not begin together
            squares = build_squares(np.stack([points for _, points in seen]))
            played.faces = np.stack([cut_face(seen[i][0], squares[i]) for i in range(frames)])
        return played

    @property
    def fps(self) -> float:
        """Frames per second of drawing so far."""
        return len(self._draw_s) / max(sum(self._draw_s), 1e-9)

    def _find(self, picture: UInt8, source: UInt8 | None, pose: int) -> Float32 | None:
        """The face's points, looked for where they are in the source frame of that pose."""
        if source is None:
            return self._lips.find(picture)
        if pose not in self._known:
            self._known[pose] = self._lips.find(source)
        near = self._known[pose]
        return None if near is None else self._lips.find_near(picture, near)


def judge_takes(played: Sequence[PlayedTake], stand: Stand, judges: Sequence[Judge]) -> OnAirFigures:
    """The figures of all takes together."""
    ends = slice(SETTLE_FRAMES, -SETTLE_FRAMES)
    match = match_tracks([item.opening[ends] for item in played], [item.take.opening[ends] for item in played])
    heard = [(item.faces, _to_judge_rate(item.take.sound)) for item in played if len(item.faces)]
    verdicts = {judge.name: judge.judge(heard) for judge in judges}
    return OnAirFigures(match, stand.fps, {name: v for name, v in verdicts.items() if v is not None})


def _to_judge_rate(sound: Int16) -> Int16:
    return np.asarray(soxr.resample(sound, SAMPLE_RATE_HZ, JUDGE_RATE_HZ), np.int16)
