"""The last resort: no sound, but the time that speaking would take, so that captions go on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import numpy as np

from avatar_engine.timing import ms_to_samples
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.chunks import Chunker
from avatar_engine.voice.words import split_words, spread_words

_LETTER_MS = 65.0
_CJK_MS = 220.0
_SHORTEST_MS = 400.0
_CJK_FROM = "\u3040"


class SilentVoice:
    """Says nothing in every language, for as long as a speaker would need."""

    card = VoiceCard(
        name="silence",
        languages=frozenset({"*"}),
        offline=True,
        streaming=True,
        marks=frozenset({"word"}),
        licence="Apache-2.0",
        audible=False,
    )

    @classmethod
    def build(cls, options: Mapping[str, Any], env: object) -> SilentVoice:
        """It has no options."""
        return cls()

    async def warm(self) -> None:
        """Nothing to load."""

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`. Word times are in proportion to the length of the words."""
        words = split_words(text)
        if not words:
            return
        spoken_ms = sum(_CJK_MS if letter >= _CJK_FROM else _LETTER_MS for letter in text)
        length_ms = max(_SHORTEST_MS, spoken_ms)
        chunker = Chunker()
        chunker.mark(spread_words(words, 0.0, length_ms))
        for chunk in chunker.push(np.zeros(ms_to_samples(length_ms), np.int16)):
            yield chunk
        for chunk in chunker.flush():
            yield chunk

    async def close(self) -> None:
        """Nothing to release."""
