"""Which feature extractors exist. An engine names the one it wants in its capabilities."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from avatar_engine.errors import UnknownEngine
from avatar_engine.lipsync.base import FeatureExtractor

EXTRACTORS: dict[str, str] = {
    "spectral": "avatar_engine.features.spectral:load_spectral",
    "ave": "avatar_engine.features.ave_published:load_published",
    "ave_footlight": "avatar_engine.features.ave_footlight:load_footlight",
}


def load_extractor(name: str, weights: Path | None = None) -> FeatureExtractor:
    """A ready extractor; its module and network load now and not earlier.

    `weights` is the weights folder, `<data>/weights`. Raises `UnknownEngine`, and `WeightsError` where a network is
    missing.
    """
    try:
        module, attribute = EXTRACTORS[name].split(":")
    except KeyError:
        raise UnknownEngine(f"no feature extractor {name!r}; choose from {', '.join(sorted(EXTRACTORS))}") from None
    return cast("FeatureExtractor", getattr(import_module(module), attribute)(weights))
