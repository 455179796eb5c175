"""Measures how loud each channel of each map gets, on pictures and sound of the avatar itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.onnx_graph import build_onnx
from avatar_engine.lipsync.synctalk_2d.onnx_runner import open_onnx
from avatar_engine.lipsync.synctalk_2d.tape import Tape
from avatar_engine.types import Float32


def measure_peaks(tape: Tape, samples: Iterable[Mapping[str, Float32]], threads: int) -> list[Float32]:
    """For each call float32[channels], the largest absolute value over all samples.

    A sample holds what enters, float32[1, C, H, W] by name. Runs the float32 network with ONNX Runtime. Raises
    `CheckpointError` where the network's values are not finite.
    """
    session = open_onnx(build_onnx(tape, every_map=True), threads)
    names = [f"call_{number}" for number in range(len(tape.calls))]
    peaks = [np.zeros(call.channels, np.float32) for call in tape.calls]
    for sample in samples:
        for number, values in enumerate(session.run(names, dict(sample))):
            peaks[number] = np.maximum(peaks[number], np.abs(values).max(axis=(0, 2, 3)))
    if not all(np.isfinite(peak).all() for peak in peaks):
        raise CheckpointError("these weights are broken: the network gives values that are not finite")
    return peaks
