"""Which feature extractors exist. An engine names the one it wants in its capabilities."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from avatar_engine.errors import UnknownEngine
from avatar_engine.lipsync.base import FeatureExtractor

EXTRACTORS: dict[str, str] = {
    "spectral": "avatar_engine.features.spectral:SpectralExtractor",
}


def load_extractor(name: str) -> FeatureExtractor:
    """A ready extractor; its module and network load now and not earlier. Raises `UnknownEngine`."""
    try:
        module, attribute = EXTRACTORS[name].split(":")
    except KeyError:
        raise UnknownEngine(f"no feature extractor {name!r}; choose from {', '.join(sorted(EXTRACTORS))}") from None
    return cast("FeatureExtractor", getattr(import_module(module), attribute)())
