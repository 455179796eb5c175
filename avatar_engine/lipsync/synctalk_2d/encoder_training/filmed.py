"""Real speech with the lips that made it: short films, listened to and measured once."""

from __future__ import annotations

import csv
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker
from avatar_engine.face.points import measure_lips
from avatar_engine.face.tracker import FaceTracker
from avatar_engine.features.mel import RATE_HZ
from avatar_engine.timing import FPS
from avatar_engine.types import Float32, Int16, UInt8

log = logging.getLogger(__name__)

SAMPLES_PER_FRAME = RATE_HZ // FPS
LIPS = 2
OPENING, WIDTH = range(LIPS)
"""Columns of `FilmedClip.lips`."""
_MOST_LOST = 3
"""Frames without a face after which a clip is left out."""


@dataclass(frozen=True, slots=True)
class FilmedClip:
    """pcm: int16[n] mono at 16 kHz. lips: float32[frames, 2], inner opening and width in eye distances."""

    name: str
    pcm: Int16
    lips: Float32


def measure_films(films: Sequence[Path], folder: Path, detector: Path, landmarker: Path) -> None:
    """Measure every clip of `films` into a file below `folder`. Clips that are there already are left.

    A film is a video with a table of its clips beside it (`train_50.mp4`, `train_50.csv` with columns clip,
    start_frame, frames), or one clip without a table. All have 25 frames a second. Raises `WeightsError`.
    """
    for film in films:
        kept = folder / film.stem
        kept.mkdir(parents=True, exist_ok=True)
        wanted = [clip for clip in _list_clips(film) if not (kept / f"{clip[0]}.npz").exists()]
        if wanted:
            tracker = FaceTracker(FaceDetector(detector), FaceLandmarker(landmarker))
            _measure_film(film, wanted, kept, tracker)
        log.info("%s: %d clips measured", film.name, len(list(kept.glob("*.npz"))))


def _list_clips(film: Path) -> list[tuple[str, int, int | None]]:
    """Name, first frame and number of frames of each clip."""
    table = film.with_suffix(".csv")
    if not table.exists():
        return [(film.stem, 0, None)]
    with table.open(encoding="utf-8", newline="") as lines:
        return [(row["clip"], int(row["start_frame"]), int(row["frames"])) for row in csv.DictReader(lines)]


def _measure_film(film: Path, wanted: list[tuple[str, int, int | None]], kept: Path, tracker: FaceTracker) -> None:
    sound = _read_sound(film)
    starts = {start: (name, frames) for name, start, frames in wanted}
    current: tuple[str, int, int | None] | None = None
    meshes: list[Float32 | None] = []
    for number, rgb in enumerate(_read_frames(film)):
        if number in starts:
            name, frames = starts[number]
            current, meshes = (name, number, frames), []
            tracker.forget()
        if current is None:
            continue
        mesh = tracker.track(rgb)
        meshes.append(None if mesh is None else mesh.points)
        if len(meshes) == current[2]:
            _save(kept, current[0], sound, current[1], meshes)
            current = None
    if current is not None and current[2] is None:
        _save(kept, current[0], sound, 0, meshes)


def _save(kept: Path, name: str, sound: Int16, first: int, meshes: list[Float32 | None]) -> None:
    seen = [number for number, points in enumerate(meshes) if points is not None]
    if len(meshes) - len(seen) > _MOST_LOST or not seen:
        log.warning("%s: no face in %d of %d frames", name, len(meshes) - len(seen), len(meshes))
        return
    measured = measure_lips(np.stack([points for points in meshes if points is not None]))
    found = np.stack([measured.inner_opening / measured.face, measured.width / measured.face], axis=1)
    frames = np.arange(len(meshes))
    lips = np.stack([np.interp(frames, seen, column) for column in found.T], axis=1).astype(np.float32)
    pcm = sound[first * SAMPLES_PER_FRAME : (first + len(meshes)) * SAMPLES_PER_FRAME]
    part = kept / f"{name}.part"
    with part.open("wb") as out:
        np.savez(out, pcm=pcm, lips=lips)
    os.replace(part, kept / f"{name}.npz")


def _read_frames(film: Path) -> Iterator[UInt8]:
    import av

    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            picture: UInt8 = frame.to_ndarray(format="rgb24")
            yield picture


def _read_sound(film: Path) -> Int16:
    import av

    pieces = []
    with av.open(str(film)) as container:
        resampler = av.AudioResampler("s16", "mono", RATE_HZ)
        for frame in container.decode(audio=0):
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    sound: Int16 = np.concatenate(pieces).astype(np.int16)
    return sound


def load_films(folder: Path, film: str) -> list[FilmedClip]:
    """The measured clips of one film, by name."""
    clips = []
    for path in sorted((folder / film).glob("*.npz")):
        with np.load(path) as kept:
            clips.append(FilmedClip(f"{film}/{path.stem}", kept["pcm"], kept["lips"]))
    return clips
