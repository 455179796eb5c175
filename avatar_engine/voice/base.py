"""The contract of every voice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from avatar_engine.types import AudioChunk


@dataclass(frozen=True, slots=True)
class VoiceCard:
    """What a voice declares about itself.

    languages: BCP 47 primary tags ("en", "zh"), or "*" for every language.
    audible:   False for the last resort that only lets time pass under the captions.
    """

    name: str
    languages: frozenset[str]
    offline: bool
    streaming: bool
    marks: frozenset[str]
    licence: str
    audible: bool = True

    def speaks(self, language: str) -> bool:
        return language in self.languages or "*" in self.languages


class Voice(Protocol):
    """Turns one sentence into sound."""

    @property
    def card(self) -> VoiceCard: ...

    async def warm(self) -> None:
        """Load, or make contact, so that the next sentence starts fast. Raises `VoiceError`."""
        ...

    def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """Yield the sound of `text` as 20 ms chunks at 48 kHz, the last one padded with zeros.

        `language` is a primary tag; without it a voice of many languages goes by the script of the text. Mark times
        count from the first yielded chunk. Empty or unspeakable text yields nothing. Raises `VoiceError`.
        Closing the iterator stops the work and frees what it holds.
        """
        ...

    async def close(self) -> None:
        """Release threads, sessions and connections."""
        ...
