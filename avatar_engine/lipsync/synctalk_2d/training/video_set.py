"""Samples out of a prepared avatar folder: every frame with a reference from elsewhere in the same video."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.crop import cut_crop, take_inner
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.training.atomic import replace_whole, write_whole
from avatar_engine.lipsync.synctalk_2d.training.dataset import split_by_time
from avatar_engine.lipsync.synctalk_2d.training.windows import WindowTable
from avatar_engine.types import Float32, Int32, UInt8

_MOUTH_MARGIN = 0.35
"""How far the box around the lips reaches beyond them, as a share of their width."""
_TRIES = 16
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""The outer lip line in the 478-point topology of MediaPipe."""


class VideoSet:
    """Frames of a video with references that lie at least `gap` frames away, train frames for train frames.

    Raises `TrainingError` where pictures, sound and geometry do not fit each other.
    """

    def __init__(self, pictures: UInt8, rows: Float32, mouths: Int32, gap: int) -> None:
        """pictures: uint8[N, S, S, 3], BGR. rows: float32[rows, 512], stored rows. mouths: int32[N, 4]."""
        count = min(len(pictures), len(rows))
        if len(mouths) != len(pictures):
            raise TrainingError(f"{len(mouths)} mouths for {len(pictures)} frames: prepare the avatar anew")
        self.inner = pictures.shape[1]
        self.split = split_by_time(count)
        self._pictures, self._mouths = pictures, mouths
        self._windows = WindowTable(rows, np.array([[0, count, 0]], np.int32))
        self._gap = min(gap, len(self.split.train) // 4)

    def targets(self, samples: Int32) -> UInt8:
        return np.asarray(self._pictures[samples])

    def references(self, samples: Int32, rng: np.random.Generator) -> UInt8:
        """Held-out frames get references that were trained on: on air the network knows the pose, not the mouth."""
        train = self.split.train
        chosen = rng.choice(train, len(samples))
        for _ in range(_TRIES):
            near = np.abs(chosen - samples) < self._gap
            if not near.any():
                break
            chosen = np.where(near, rng.choice(train, len(samples)), chosen)
        return np.asarray(self._pictures[chosen])

    def windows(self, samples: Int32) -> Float32:
        return self._windows.take(samples)

    def false_windows(self, samples: Int32, rng: np.random.Generator) -> Float32:
        return self._windows.take_false(samples, rng)

    def mouths(self, samples: Int32) -> Int32:
        return self._mouths[samples]


def open_video_set(
    folder: AvatarFolder, rows: Float32, net: NetSpec, gap: int, tell: Callable[[int, int], None] | None = None
) -> VideoSet:
    """The samples of a prepared avatar. Cuts the pictures on first use and keeps them in the training folder.

    rows: stored rows of its sound. tell: called with frames done and frames in all while pictures are cut.
    """
    crops = folder.read_crops()
    pictures = _cut_pictures(folder, crops, net, tell or (lambda done, total: None))
    return VideoSet(pictures, rows, find_mouths(folder.read_landmarks(), crops, net), gap)


def find_mouths(landmarks: Float32, crops: Int32, net: NetSpec) -> Int32:
    """Boxes int32[N, 4] around the lips with a margin, px of the inner picture.

    landmarks: float32[N, 478, 2], px of the frame. crops: int32[N, 4].
    """
    lips = landmarks[:, OUTER_LIPS]
    scale = net.crop / (crops[:, 2] - crops[:, 0]).astype(np.float32)
    low, high = lips.min(axis=1), lips.max(axis=1)
    margin = _MOUTH_MARGIN * (high[:, :1] - low[:, :1])
    corner = crops[:, :2].astype(np.float32)
    boxes = [(low - margin - corner) * scale[:, None] - net.rim, (high + margin - corner) * scale[:, None] - net.rim]
    return np.concatenate(boxes, axis=1).round().clip(0, net.inner).astype(np.int32)


def _cut_pictures(folder: AvatarFolder, crops: Int32, net: NetSpec, tell: Callable[[int, int], None]) -> UInt8:
    """uint8[N, S, S, 3], BGR, mapped from `crops_<S>.npy` of the training folder."""
    path = folder.train_path / f"crops_{net.inner}.npy"
    note = path.with_suffix(".json")
    about = {"source_sha256": folder.read_info().source_sha256, "crops": _fingerprint(crops), "inner": net.inner}
    if not (path.exists() and _read_note(note) == about):
        note.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, lambda draft: _write_pictures(draft, folder, crops, net, tell))
        write_whole(note, json.dumps(about).encode())
    return np.asarray(np.load(path, mmap_mode="r"))


def _write_pictures(
    draft: Path, folder: AvatarFolder, crops: Int32, net: NetSpec, tell: Callable[[int, int], None]
) -> None:
    shape = (len(crops), net.inner, net.inner, 3)
    with draft.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for number, frame in enumerate(folder.iterate_frames()):
            picture = take_inner(cut_crop(frame, crops[number], net, training=True))
            file.write(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR).tobytes())
            tell(number + 1, len(crops))


def _fingerprint(crops: Int32) -> str:
    import hashlib

    return hashlib.sha256(np.ascontiguousarray(crops).tobytes()).hexdigest()


def _read_note(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
