"""Draws on the processor: int8 networks where they are close enough to float32, else float32."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

import numpy as np

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.export import (
    CALIBRATION_SAMPLES,
    CHECK_SAMPLES,
    HEARD_SAMPLES,
    REFERENCE_ONNX,
    VOICE_INT8,
    VOICE_ONNX,
    WEIGHTS,
    ExportReport,
    export_networks,
    read_model,
    read_report,
)
from avatar_engine.lipsync.synctalk_2d.generator import PictureSource
from avatar_engine.lipsync.synctalk_2d.litert_runner import LitertNetworks
from avatar_engine.lipsync.synctalk_2d.onnx_runner import Maps, OnnxNetworks
from avatar_engine.lipsync.synctalk_2d.reference_cache import ReferenceCache
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32, Int32, UInt8

_WARM_UP_FRAMES = 6
_SHARE_OF_FRAME = 0.9
"""A picture must be drawn within this share of a frame to be called realtime."""


class Networks(Protocol):
    """Both parts of a network in one runtime."""

    def look(self, inner: UInt8) -> Maps: ...

    def draw(self, inner: UInt8, maps: Maps, sound: Float32) -> UInt8: ...


class CpuGenerator:
    """The `Generator` of `generator.py` on a processor, a picture at a time."""

    chunk_frames = 1

    def __init__(self, spec: NetSpec, source: PictureSource, networks: Networks) -> None:
        self.spec = spec
        self._networks = networks
        self.cache = ReferenceCache(source, networks.look)
        self.realtime = self._warm_up() <= FRAME_MS * _SHARE_OF_FRAME

    @classmethod
    def load(cls, folder: Path, spec: NetSpec, source: PictureSource, threads: int) -> CpuGenerator:
        """See `load_generator`. Exports the weights first where that was not done."""
        report = read_report(folder, spec)
        if report is None:
            if not (folder / WEIGHTS).is_file():
                raise CheckpointError(f"the exported networks are missing or damaged, and {WEIGHTS} is not there")
            report = export_avatar(folder, spec, source, threads)
        return cls(spec, source, open_networks(folder, spec, report, threads))

    def generate(self, frames: Int32, windows: Float32) -> UInt8:
        """See `Generator`."""
        windows = np.nan_to_num(windows, nan=0.0, posinf=0.0, neginf=0.0)
        drawn = np.empty((len(frames), self.spec.inner, self.spec.inner, 3), np.uint8)
        for number, frame in enumerate(frames):
            reference = self.cache.get(int(frame))
            sound = windows[number].reshape(self.spec.audio_shape)
            drawn[number] = self._networks.draw(reference.inner, reference.maps, sound)
        return drawn

    def close(self) -> None:
        self.cache.clear()

    def _warm_up(self) -> float:
        """Milliseconds of the quickest of some pictures."""
        silence = np.zeros((1, *self.spec.audio_shape), np.float32)
        taken = []
        for _ in range(_WARM_UP_FRAMES):
            started = time.perf_counter()
            self.generate(np.zeros(1, np.int32), silence)
            taken.append((time.perf_counter() - started) * 1000)
        return min(taken)


def open_networks(folder: Path, spec: NetSpec, report: ExportReport, threads: int) -> Networks:
    """The exported networks. Raises `CheckpointError` where a file is missing or damaged."""
    reference = read_model(folder, REFERENCE_ONNX)
    if report.int8:
        return LitertNetworks(spec, reference, read_model(folder, VOICE_INT8), report.build_scales(), threads)
    return OnnxNetworks(spec, reference, read_model(folder, VOICE_ONNX), threads)


def export_avatar(folder: Path, spec: NetSpec, source: PictureSource, threads: int) -> ExportReport:
    """Export with pictures of the avatar's loop and sound of its own recording, where that is in the folder."""
    count = CALIBRATION_SAMPLES + CHECK_SAMPLES
    chosen = np.unique(np.linspace(0, source.frames - 1, count).astype(int))
    squares = [source.crop(int(frame)) for frame in chosen]
    try:
        return export_networks(folder, spec, squares, _read_windows(folder, spec), threads)
    except OSError as error:
        raise CheckpointError(f"the exported networks cannot be written: {error.strerror}") from error


def _read_windows(folder: Path, spec: NetSpec) -> list[Float32]:
    """Windows float32[16, 512] spread over the recording; none where there are no features."""
    from avatar_engine.features.ave import window

    paths = sorted(folder.glob("features_*.npy"))
    if not paths or spec.audio != "ave":
        return []
    try:
        rows = np.load(paths[0], mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{paths[0].name} cannot be read: {error}") from error
    if rows.ndim != 2 or rows.shape[1] != 512 or len(rows) == 0:
        raise CheckpointError(f"{paths[0].name} has the shape {rows.shape} instead of [rows, 512]")
    return [window(np.asarray(rows, np.float32), int(frame)) for frame in np.linspace(0, len(rows) - 1, HEARD_SAMPLES)]
