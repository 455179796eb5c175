"""The one table of voices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from avatar_engine.errors import UnknownEngine
from avatar_engine.voice.base import Voice
from avatar_engine.voice.chain import VoiceChain

VOICES: Mapping[str, str] = MappingProxyType(
    {
        "hibari": "avatar_engine.voice.hibari:HibariVoice",
        "edge": "avatar_engine.voice.edge:EdgeVoice",
        "silence": "avatar_engine.voice.silence:SilentVoice",
    }
)
DEFAULT_CHAIN = ("hibari", "edge", "silence")
"""The embedded voice first: it needs no network. The next speaks the languages that it does not."""


def build_voice(name: str) -> Voice:
    """The voice called `name`, not yet loaded. Raises `UnknownEngine`, which lists the choices."""
    try:
        module, _, attribute = VOICES[name].partition(":")
    except KeyError:
        raise UnknownEngine(f"no voice is called {name!r}; there are {', '.join(sorted(VOICES))}") from None
    return cast(Voice, getattr(import_module(module), attribute)())


def build_chain(names: Iterable[str], clock: Callable[[], float]) -> VoiceChain:
    """A chain of voices in the order of `names`. `clock` gives seconds and never goes back."""
    return VoiceChain([build_voice(name) for name in names], clock)
