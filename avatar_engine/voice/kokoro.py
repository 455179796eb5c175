"""The offline voice for Chinese, and for English beside hibari: Kokoro, once its weights are here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from avatar_engine.errors import VoiceNotReady
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.kokoro_net import KokoroNet
from avatar_engine.voice.net_voice import NetThread
from avatar_engine.weights import KOKORO, is_whole, weight_path

DEFAULT_SPEAKERS: Mapping[str, str] = MappingProxyType({"en": "af_heart", "zh": "zf_xiaoxiao"})
_HERE = VoiceCard(
    name="kokoro",
    languages=frozenset(DEFAULT_SPEAKERS),
    offline=True,
    streaming=False,
    marks=frozenset({"phoneme", "word"}),
    licence="Apache-2.0",
)
_AWAY = replace(_HERE, languages=frozenset(), offline=False)


class DataFolder(Protocol):
    """What this voice wants of the environment."""

    @property
    def data_dir(self) -> Path: ...


class KokoroVoice:
    """Speaks Chinese and English, mixed too. Loads at the first `warm` or `speak`, in its one worker thread.

    Its card looks for the weights each time: until they are whole it speaks no language, so that nobody chooses it,
    and from then on it does, without a restart.
    """

    def __init__(self, weights: Path, speakers: Mapping[str, str] = DEFAULT_SPEAKERS, rate: float = 1.0) -> None:
        """`weights` is the weights folder; `speakers`: one for "en" and one for "zh"; `rate` 2.0 is twice as fast."""
        self._weights = weights
        self._thread = NetThread("kokoro", lambda: KokoroNet.load(weight_path(KOKORO, weights), speakers), rate)

    @classmethod
    def build(cls, options: Mapping[str, Any], env: DataFolder) -> KokoroVoice:
        """`options` "en" and "zh" name the speakers; the weights are below the data folder."""
        return cls(env.data_dir / "weights", {"en": options["en"], "zh": options["zh"]}, options["rate"])

    @property
    def card(self) -> VoiceCard:
        return _HERE if is_whole(KOKORO, self._weights) else _AWAY

    async def warm(self) -> None:
        """Load and speak once into nothing. Raises `VoiceError` where the weights are not here."""
        async for _ in self.speak("Hi.", "en"):
            pass

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`. The sound of one clause or sentence of `text` comes at once, the next when it is made."""
        if not is_whole(KOKORO, self._weights):
            raise VoiceNotReady(f"the weights of kokoro are not here: manage.py weights {KOKORO.name}")
        async with aclosing(self._thread.speak(text, language)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """End the worker thread. A sentence that still waits for it raises `VoiceError`."""
        await self._thread.close()
