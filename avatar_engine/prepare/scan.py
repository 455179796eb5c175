"""Looks at every frame once: points of the face, other faces, sharpness, light, cuts. Goes on where it stopped."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.errors import AvatarFolderError
from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker
from avatar_engine.face.region import cut_region, region_of_points
from avatar_engine.face.topology import POINTS
from avatar_engine.face.tracker import FaceTracker
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.types import Float32, UInt8

BLOCK_FRAMES = 250
"""Frames of one step file. The face is searched anew at the start of each, so a resumed scan gives the same."""
_DETECT_EVERY = 5
_SHARPNESS_PX = 256
_THUMBNAIL = (64, 36)


@dataclass(frozen=True, slots=True)
class Scan:
    """One row a frame.

    points:    float32[N, 478, 2], pixels; NaN where there is no face.
    presence:  float32[N], 0..1; 0 where there is no face.
    second:    float32[N], area of the second largest face over that of the largest; NaN where nobody looked.
    sharpness: float32[N], variance of the Laplacian of the upright face at 256 px, grey 0..255; NaN without a face.
    light:     float32[N], mean grey of the face, 0..255; NaN without a face.
    change:    float32[N], mean change of a 64 x 36 grey thumbnail since the frame before, 0..255; 0 for the first.
    """

    points: Float32
    presence: Float32
    second: Float32
    sharpness: Float32
    light: Float32
    change: Float32

    @property
    def has_face(self) -> np.ndarray:
        """bool[N]."""
        return self.presence > 0

    @classmethod
    def join(cls, parts: list[Scan]) -> Scan:
        """One scan of consecutive ones."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


class FrameScanner:
    """Holds both networks and the thumbnail of the last frame."""

    def __init__(self, detector: FaceDetector, landmarker: FaceLandmarker) -> None:
        self._detector = detector
        self._landmarker = landmarker

    def scan(self, frames: Iterator[UInt8], before: UInt8 | None, seen: Callable[[int], None]) -> Scan | None:
        """Look at uint8[h, w, 3] RGB frames; `before` is the frame ahead of them, if there is one.

        `seen` is told how many are done. None where there are no frames.
        """
        tracker = FaceTracker(self._detector, self._landmarker)
        last = _thumbnail(before) if before is not None else None
        rows: list[tuple[Float32, float, float, float, float, float]] = []
        for number, frame in enumerate(frames):
            thumbnail = _thumbnail(frame)
            change = float(np.mean(cv2.absdiff(thumbnail, last))) if last is not None else 0.0
            last = thumbnail
            second = self._find_second(frame) if number % _DETECT_EVERY == 0 else np.nan
            mesh = tracker.track(frame)
            if mesh is None:
                rows.append((np.full((POINTS, 2), np.nan, np.float32), 0.0, second, np.nan, np.nan, change))
            else:
                sharpness, light = _measure_face(frame, mesh.points)
                rows.append((mesh.points, mesh.presence, second, sharpness, light, change))
            seen(number + 1)
        if not rows:
            return None
        return Scan(*(np.asarray(column, np.float32) for column in zip(*rows, strict=True)))

    def _find_second(self, frame: UInt8) -> float:
        faces = self._detector.detect(frame)
        return faces[1].area / faces[0].area if len(faces) > 1 else 0.0


def scan_video(video: Path, frames: int, scanner: FrameScanner, folder: Path, seen: Callable[[int], None]) -> Scan:
    """All frames of a source video. Blocks that lie in `folder` already are not looked at again.

    `seen` is told how many frames are done. Raises `AvatarFolderError` where the video has fewer than `frames`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = _read_blocks(folder, frames)
    done = sum(part.presence.size for part in parts)
    source = _Frames(read_source(video, max(0, done - 1), frames))
    if done:
        next(source, None)
    while done < frames:
        first = done

        def count_up(number: int, first: int = first) -> None:
            seen(first + number)

        part = scanner.scan(islice(source, min(BLOCK_FRAMES, frames - done)), source.last, count_up)
        if part is None or part.presence.size < min(BLOCK_FRAMES, frames - done):
            raise AvatarFolderError(f"{video.parent.name}: {video.name} breaks off before frame {frames}")
        _write_block(folder, done, part)
        parts.append(part)
        done += part.presence.size
    return Scan.join(parts)


class _Frames:
    """Passes frames on and remembers the last one."""

    def __init__(self, source: Iterator[UInt8]) -> None:
        self._source = source
        self.last: UInt8 | None = None

    def __iter__(self) -> _Frames:
        return self

    def __next__(self) -> UInt8:
        self.last = next(self._source)
        return self.last


def _block_path(folder: Path, first: int) -> Path:
    return folder / f"scan_{first:06d}.npz"


def _read_blocks(folder: Path, frames: int) -> list[Scan]:
    """What an earlier run left: whole blocks from the first frame on; the first that is missing or spoilt ends it."""
    parts: list[Scan] = []
    first = 0
    while first < frames:
        length = min(BLOCK_FRAMES, frames - first)
        try:
            with np.load(_block_path(folder, first), allow_pickle=False) as kept:
                part = Scan(**{field.name: kept[field.name] for field in fields(Scan)})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return parts
        if part.points.shape != (length, POINTS, 2):
            return parts
        parts.append(part)
        first += length
    return parts


def _write_block(folder: Path, first: int, part: Scan) -> None:
    path = _block_path(folder, first)
    draft = path.with_suffix(".tmp")
    with draft.open("wb") as file:
        np.savez(file, **{field.name: getattr(part, field.name) for field in fields(Scan)})
    os.replace(draft, path)


def _thumbnail(frame: UInt8) -> UInt8:
    small = cv2.resize(frame, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _measure_face(frame: UInt8, points: Float32) -> tuple[float, float]:
    """Sharpness and mean grey of the inner two thirds of the region, which is the face itself."""
    crop = cv2.cvtColor(cut_region(frame, region_of_points(points), _SHARPNESS_PX), cv2.COLOR_RGB2GRAY)
    rim = _SHARPNESS_PX // 6
    face = crop[rim:-rim, rim:-rim]
    return float(cv2.Laplacian(face, cv2.CV_32F).var()), float(face.mean())
