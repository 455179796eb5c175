"""Which lip-sync families exist. A family is one line here and one folder beside this file."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from avatar_engine.errors import UnknownEngine
from avatar_engine.lipsync.base import LipSyncEngine

ENGINES: dict[str, str] = {
    "drawn": "avatar_engine.lipsync.drawn.engine:DrawnEngine",
    "synctalk_2d": "avatar_engine.lipsync.synctalk_2d.engine:SyncTalk2DEngine",
}


def load_engine_class(name: str) -> type[LipSyncEngine]:
    """The class of family `name`. Its module is imported now and not earlier. Raises `UnknownEngine`."""
    try:
        module, attribute = ENGINES[name].split(":")
    except KeyError:
        raise UnknownEngine(f"no lip-sync family {name!r}; choose from {', '.join(sorted(ENGINES))}") from None
    return cast("type[LipSyncEngine]", getattr(import_module(module), attribute))
