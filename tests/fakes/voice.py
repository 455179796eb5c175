"""A voice without a network: a tone of 100 ms for every word, exact word marks, failures on demand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

import numpy as np

from avatar_engine.errors import VoiceError
from avatar_engine.timing import SAMPLE_RATE_HZ, ms_to_samples
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.chunks import Chunker
from avatar_engine.voice.words import split_words

WORD_MS = 100.0


class FakeVoice:
    """`fail_after` chunks of the next sentences it raises `VoiceError`; `hz` tells fakes apart by ear."""

    def __init__(
        self,
        name: str = "fake",
        languages: Iterable[str] = ("en",),
        *,
        offline: bool = True,
        audible: bool = True,
        hz: float = 200.0,
    ) -> None:
        self.card = VoiceCard(
            name, frozenset(languages), offline, True, frozenset({"word"}), "Apache-2.0", audible=audible
        )
        self.hz = hz
        self.fail_after: int | None = None
        self.retryable = True
        self.spoken: list[str] = []
        self.warmed = 0
        self.speaking = 0
        self.closed = False

    async def warm(self) -> None:
        self.warmed += 1
        if self.fail_after is not None:
            raise VoiceError(f"{self.card.name} is down", retryable=self.retryable)

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        self.spoken.append(text)
        words = split_words(text)
        chunker = Chunker()
        samples = ms_to_samples(WORD_MS * len(words))
        tone = 8000 * np.sin(2 * np.pi * self.hz * np.arange(samples) / SAMPLE_RATE_HZ)
        chunker.mark(Mark("word", word, WORD_MS * n, WORD_MS * (n + 1)) for n, word in enumerate(words))
        self.speaking += 1
        try:
            for given, chunk in enumerate(chunker.push(tone.astype(np.int16)) + chunker.flush()):
                if given == self.fail_after:
                    raise VoiceError(f"{self.card.name} failed", retryable=self.retryable)
                yield chunk
        finally:
            self.speaking -= 1

    async def close(self) -> None:
        self.closed = True
