"""Renders the training set of the presenter: for every frame of every take the same pose at rest and speaking.

The folder is what `training/studio_set.py` reads, with two files more: `truth.npy` float32[N, 2], opening and width of
each mouth in pixels of the picture that the loop was rendered at, and `shapes.npy` float32[N, 9], the mouths.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avatar_engine.features.offline import encode_clip
from avatar_engine.lipsync.synctalk_2d.crop import cut_crop, take_inner
from avatar_engine.lipsync.synctalk_2d.spec import RIM_PX, NetSpec
from avatar_engine.lipsync.synctalk_2d.studio.film import Tell
from avatar_engine.lipsync.synctalk_2d.studio.painter import Look, Painter
from avatar_engine.lipsync.synctalk_2d.studio.speech import to_shape
from avatar_engine.lipsync.synctalk_2d.studio.takes import Take, find_held_out
from avatar_engine.lipsync.synctalk_2d.studio.truth import measure_mouth, outline_mouth
from avatar_engine.types import Float32, Int32, UInt8

_MARGIN_PX = 4
"""Room around a mouth in the box that training looks at more closely, px of the inner picture."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The loop to speak over: looks and their squares int32[N, 4], and the network that will draw it."""

    painter: Painter
    looks: Sequence[Look]
    squares: Int32
    spec: NetSpec


def write_references(folder: Path, frames: Iterable[UInt8], squares: Int32, spec: NetSpec) -> None:
    """Cut the loop's frames, uint8[H, W, 3] RGB as decoded, as the stage will."""
    folder.mkdir(parents=True, exist_ok=True)
    cuts = [take_inner(cut_crop(frame, square, spec)) for frame, square in zip(frames, squares, strict=True)]
    _save(folder / "references.npy", np.stack(cuts)[..., ::-1])


def write_rows(folder: Path, takes: Sequence[Take], encoder: str, weights: Path | None = None) -> None:
    """Encode the sound of all takes with the extractor `encoder`. Raises `UnknownEngine`, `WeightsError`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, places = [], []
    sample = row = 0
    for take in takes:
        encoded = encode_clip(take.sound, encoder, weights)
        places.append((sample, len(take.poses), row))
        rows.append(encoded)
        sample += len(take.poses)
        row += len(encoded)
    _save(folder / "takes.npy", np.array(places, np.int32))
    _save(folder / "rows.npy", np.concatenate(rows).astype(np.float32))


def write_pairs(folder: Path, scene: Scene, takes: Sequence[Take], tell: Tell) -> None:
    """Render every speaking frame, pose by pose; stopped at any time, it goes on later."""
    folder.mkdir(parents=True, exist_ok=True)
    poses = np.concatenate([take.poses for take in takes])
    shapes = np.concatenate([take.mouths for take in takes])
    _save(folder / "reference_of.npy", poses)
    _save(folder / "shapes.npy", shapes)
    _save(folder / "held_out.npy", find_held_out([len(take.poses) for take in takes]))
    _write_truth(folder, scene, poses, shapes)
    draft, journal = folder / "targets.part.npy", folder / "done.npy"
    inner = scene.spec.inner
    targets, done = _open_draft(draft, journal, (len(poses), inner, inner, 3), len(scene.looks))
    for pose in range(len(scene.looks)):
        if not done[pose]:
            samples = np.flatnonzero(poses == pose)
            targets[samples] = _render_pose(scene, pose, shapes[samples])
            targets.flush()
            done[pose] = True
            _save(journal, done)
        tell(pose + 1, len(scene.looks))
    draft.replace(folder / "targets.npy")


def _render_pose(scene: Scene, pose: int, shapes: Float32) -> UInt8:
    """One pose with many mouths, uint8[n, S, S, 3] BGR."""
    look = scene.looks[pose]
    x0, y0, x1, y1 = (int(value) for value in scene.squares[pose])
    stand = scene.painter.stand(look.pose, look.eyes, (x0, y0, x1, y1))
    whole = np.array((0, 0, x1 - x0, y1 - y0), np.int32)
    cuts = np.empty((len(shapes), scene.spec.inner, scene.spec.inner, 3), np.uint8)
    for cut, row in zip(cuts, shapes, strict=True):
        cut[:] = take_inner(cut_crop(stand.render(to_shape(row)), whole, scene.spec))[..., ::-1]
    return cuts


def _write_truth(folder: Path, scene: Scene, poses: Int32, shapes: Float32) -> None:
    boxes, truth = [], []
    painter, squares = scene.painter, scene.squares
    scale = scene.spec.crop / (squares[0, 2] - squares[0, 0])
    for pose, row in zip(poses, shapes, strict=True):
        shape = to_shape(row)
        truth.append(measure_mouth(painter.layout, shape))
        outline = outline_mouth(painter.fields, painter.layout, scene.looks[pose].pose, shape)
        points = (outline - squares[pose, :2]) * scale - RIM_PX
        boxes.append((*np.floor(points.min(axis=0) - _MARGIN_PX), *np.ceil(points.max(axis=0) + _MARGIN_PX)))
    _save(folder / "truth.npy", np.array(truth, np.float32))
    _save(folder / "mouths.npy", np.clip(np.array(boxes), 0, scene.spec.inner).astype(np.int32))


def _open_draft(
    draft: Path, journal: Path, shape: tuple[int, ...], poses: int
) -> tuple[np.memmap[Any, np.dtype[np.uint8]], npt.NDArray[np.bool_]]:
    """The pictures so far, mapped to be written, and which poses are done."""
    if draft.exists() and journal.exists():
        targets = np.lib.format.open_memmap(draft, mode="r+")
        done = np.load(journal)
        if targets.shape == shape and done.shape == (poses,):
            return targets, done
    return np.lib.format.open_memmap(draft, mode="w+", dtype=np.uint8, shape=shape), np.zeros(poses, bool)


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    part = path.with_name(path.stem + ".part.npy")
    np.save(part, array)
    part.replace(path)
