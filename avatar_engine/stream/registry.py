"""Names of encoders, for settings."""

from __future__ import annotations

from importlib import import_module

from avatar_engine.errors import UnknownEngine
from avatar_engine.stream.encoder import StreamEncoder

ENCODERS = {"h264": "avatar_engine.stream.encoder:H264OpusEncoder"}


def build_encoder(name: str, width: int, height: int, *, video_kbps: int | None = None) -> StreamEncoder:
    """An encoder by name. Raises `UnknownEngine` with the choices."""
    if name not in ENCODERS:
        raise UnknownEngine(f"no encoder {name!r}; choose one of: {', '.join(sorted(ENCODERS))}")
    module, _, attribute = ENCODERS[name].partition(":")
    encoder: StreamEncoder = getattr(import_module(module), attribute)(width, height, video_kbps=video_kbps)
    return encoder
