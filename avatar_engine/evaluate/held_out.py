"""Which frames of an avatar's own video no network has seen, and what belongs to each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avatar_engine.errors import EvaluationError
from avatar_engine.evaluate.pictures import HeldOutFrame
from avatar_engine.evaluate.takes import RECORDED_RATE_HZ, Take, build_recorded_take
from avatar_engine.face.points import measure_lips
from avatar_engine.features.ave import window
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.lipsync.synctalk_2d.training.dataset import Split, split_by_time
from avatar_engine.timing import FPS
from avatar_engine.types import Float32, Int32, UInt8

SEED = 20
TAKE_FRAMES = 250
"""10 s: long enough for a lag, short enough that a mistake in one take does not hide."""


def split_frames(avatar: AvatarFolder) -> Split:
    """The same division into learned and held-out frames as in training."""
    info = avatar.read_info()
    rows = len(avatar.read_features(info.encoder))
    return split_by_time(min(info.frames, rows))


def read_held_out(avatar: AvatarFolder, count: int) -> Iterator[HeldOutFrame]:
    """At most `count` held-out frames, evenly spread, each with a reference drawn from those learned from."""
    split = split_frames(avatar)
    places = np.linspace(0, len(split.held_out) - 1, min(count, len(split.held_out))).round().astype(int)
    numbers = split.held_out[places]
    references = np.random.default_rng(SEED).choice(split.train, len(numbers))
    yield from read_pairs(avatar, numbers, avatar, references)


def read_pairs(avatar: AvatarFolder, numbers: Int32, other: AvatarFolder, references: Int32) -> Iterator[HeldOutFrame]:
    """Frames `numbers` int32[n] of one folder with the reference frames `references` int32[n] of another, or of it."""
    points, squares = avatar.read_landmarks(), avatar.read_crops()
    other_points, other_squares = other.read_landmarks(), other.read_crops()
    rows = avatar.read_features(avatar.read_info().encoder)
    for number, reference in zip(numbers.tolist(), references.tolist(), strict=True):
        yield HeldOutFrame(
            number=number,
            frame=read_frame(avatar, number),
            square=squares[number],
            points=points[number],
            reference_frame=read_frame(other, reference),
            reference_square=other_squares[reference],
            reference_points=other_points[reference],
            window=window(rows, number),
        )


def read_frame(avatar: AvatarFolder, number: int) -> UInt8:
    """One frame of the source video, uint8[h, w, 3] RGB. Raises `EvaluationError` where the video has none."""
    for frame in read_source(avatar.source_path, number, number + 1):
        return frame
    raise EvaluationError(f"{avatar.name}: source.mp4 has no frame {number}")


def build_held_out_takes(avatar: AvatarFolder, seconds: float) -> list[Take]:
    """The sound of held-out frames, at most `seconds` of it in takes of 10 s, with the mouth of the video."""
    held_out = split_frames(avatar).held_out
    openings = measure_openings(avatar.read_landmarks())
    sound = avatar.read_audio()
    per_frame = RECORDED_RATE_HZ // FPS
    takes = []
    for run in cut_runs(held_out[: round(seconds * FPS)]):
        first, stop = int(run[0]), int(run[-1]) + 1
        heard = sound[first * per_frame : stop * per_frame]
        if heard.size:
            takes.append(build_recorded_take(f"held-out-{first}", heard, openings[first:stop]))
    return takes


def cut_runs(frames: Int32) -> Iterator[Int32]:
    """Consecutive frames in runs of at most TAKE_FRAMES."""
    for run in np.split(frames, np.flatnonzero(np.diff(frames) != 1) + 1):
        for start in range(0, len(run), TAKE_FRAMES):
            yield run[start : start + TAKE_FRAMES]


def measure_openings(points: Float32) -> Float32:
    """Openings float32[frames] in eye distances of points float32[frames, 478, 2]."""
    lips = measure_lips(points)
    return (lips.inner_opening / np.maximum(lips.face, 1e-6)).astype(np.float32)
