"""The rows of a whole clip, as preparation and training want them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from avatar_engine.errors import UnknownEngine
from avatar_engine.features.ave import AveExtractor, stored_rows
from avatar_engine.features.mel import build_mel
from avatar_engine.features.registry import load_extractor
from avatar_engine.types import Float32


def encode_clip(samples_16k: npt.NDArray[np.floating], encoder_name: str, weights: Path | None = None) -> Float32:
    """float[n] mono at 16 kHz in -1..1 to the stored rows, float32[rows, 512]; F frames of 25 a second give F - 1.

    `encoder_name` is an extractor of the registry that gives such rows: "ave_footlight", or "ave" with its file in the
    folder `weights`. Raises `UnknownEngine`, `WeightsError`.
    """
    extractor = load_extractor(encoder_name, weights)
    if not isinstance(extractor, AveExtractor):
        raise UnknownEngine(f"{encoder_name!r} is no audio encoder; choose ave_footlight or ave")
    return stored_rows(build_mel(samples_16k), extractor.encoder.encode)
