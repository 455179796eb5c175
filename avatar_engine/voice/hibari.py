"""The embedded English voice: hibari-tts, offline, with exact phoneme times."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.hibari_net import HibariNet
from avatar_engine.voice.net_voice import NetThread


class HibariVoice:
    """Speaks English. Loads at the first `warm` or `speak`, in its one worker thread; all sound is made there."""

    card = VoiceCard(
        name="hibari",
        languages=frozenset({"en"}),
        offline=True,
        streaming=False,
        marks=frozenset({"phoneme", "word"}),
        licence="Apache-2.0",
    )

    def __init__(self, rate: float = 1.0) -> None:
        """`rate` 2.0 is twice as fast."""
        self._thread = NetThread("hibari", lambda: HibariNet.load(), rate)

    @classmethod
    def build(cls, options: Mapping[str, Any], env: object) -> HibariVoice:
        """The option `rate` says how fast it speaks."""
        return cls(options["rate"])

    async def warm(self) -> None:
        """Load and speak once into nothing, so that the first sentence on air is as fast as any."""
        async for _ in self.speak("Good evening."):
            pass

    def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`. The sound of one sentence of `text` comes at once, the next when it is made."""
        return self._thread.speak(text, language)

    async def close(self) -> None:
        """End the worker thread. A sentence that still waits for it raises `VoiceError`."""
        await self._thread.close()
