"""Weights and clips of the shared data folder, for tests that cannot do without them."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from avatar_engine.evaluate.files import EvaluationFiles, find_files
from avatar_engine.types import Int16, UInt8


def require_shared() -> Path:
    """The folder that FOOTLIGHT_SHARED names; skips the test without it."""
    shared = os.environ.get("FOOTLIGHT_SHARED")
    if not shared:
        pytest.skip("FOOTLIGHT_SHARED names no folder with weights and clips")
    return Path(shared) / "data"


def require_files() -> EvaluationFiles:
    torch.set_num_threads(1)
    return find_files([require_shared()])


def read_clip(path: Path, frames: int) -> tuple[list[UInt8], Int16]:
    """The first `frames` frames, RGB, and their sound, mono 16 kHz."""
    with av.open(str(path)) as file:
        pictures = []
        for frame in file.decode(video=0):
            pictures.append(frame.to_ndarray(format="rgb24"))
            if len(pictures) == frames:
                break
    with av.open(str(path)) as file:
        resampler = av.AudioResampler("s16", "mono", 16_000)
        sound = [part.to_ndarray().ravel() for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return pictures, np.concatenate(sound)[: frames * 640]
