"""The one table of voices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

from avatar_engine.voice.base import Voice
from avatar_engine.voice.cache import SoundCache
from avatar_engine.voice.chain import CACHE_BYTES, Identity, VoiceChain
from avatar_engine.voice.config import VoiceSetting, check_voices
from avatar_engine.voice.sound_folder import FOLDER, SoundFolder

VOICES: Mapping[str, str] = MappingProxyType(
    {
        "hibari": "avatar_engine.voice.hibari:HibariVoice",
        "kokoro": "avatar_engine.voice.kokoro:KokoroVoice",
        "edge": "avatar_engine.voice.edge:EdgeVoice",
        "openai": "avatar_engine.voice.openai_speech:OpenAISpeech",
        "http": "avatar_engine.voice.http_voice:HttpVoice",
        "piper": "avatar_engine.voice.piper:PiperVoice",
        "espeak": "avatar_engine.voice.espeak:EspeakVoice",
        "silence": "avatar_engine.voice.silence:SilentVoice",
    }
)
"""Each has `build(options, env)`, a class method that makes it, not yet loaded."""
DEFAULT_CHAIN = ("hibari", "kokoro", "edge", "silence")
"""The embedded voices first: they need no network. The next speaks the languages that they do not."""


class VoiceEnv(Protocol):
    """What voices want of `mysite.env.Env`."""

    @property
    def data_dir(self) -> Path: ...

    @property
    def voice_cache_bytes(self) -> int: ...

    def secret(self, name: str) -> str | None: ...


def build_voice(setting: VoiceSetting, env: VoiceEnv) -> Voice:
    """The voice of a room's setting, not yet loaded."""
    module, _, attribute = VOICES[setting.voice].partition(":")
    return cast(Voice, getattr(import_module(module), attribute).build(setting.options, env))


def build_chain(entries: Iterable[str | Mapping[str, object]], env: VoiceEnv, clock: Callable[[], float]) -> VoiceChain:
    """A chain of voices in the order of a room's `entries`. `clock` gives seconds and never goes back.

    Raises `UnknownEngine` and `VoiceConfigError` as `check_voices`.
    """
    settings = check_voices(list(entries))
    limit_bytes = env.voice_cache_bytes
    folder = SoundFolder(env.data_dir / FOLDER, limit_bytes) if limit_bytes else None
    return VoiceChain(
        [build_voice(setting, env) for setting in settings],
        clock,
        cache=SoundCache(CACHE_BYTES, folder),
        identities=[Identity(setting.key, float(setting.options.get("rate", 1.0))) for setting in settings],
    )
