"""Footlight's own audio encoder: the same kind of rows as the published one, trained here and free to pass on."""

from __future__ import annotations

from pathlib import Path

from avatar_engine.features.ave import AveExtractor
from avatar_engine.features.ave_net import EncoderNet

NETWORK = Path(__file__).with_suffix(".onnx")


def load_footlight(weights: Path | None) -> AveExtractor:
    """The encoder beside this file; it needs no weights folder. Raises `WeightsError`."""
    return AveExtractor(EncoderNet.load(NETWORK))
