"""The contract of every voice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from avatar_engine.types import AudioChunk


@dataclass(frozen=True, slots=True)
class VoiceCard:
    """What a voice declares about itself. `languages` are BCP 47 primary tags ("en", "zh") or "*"."""

    name: str
    languages: frozenset[str]
    offline: bool
    streaming: bool
    marks: frozenset[str]
    licence: str


class Voice(Protocol):
    """Turns one sentence into sound."""

    @property
    def card(self) -> VoiceCard: ...

    def speak(self, text: str) -> AsyncIterator[AudioChunk]:
        """Yield the sound of `text` as 20 ms chunks at 48 kHz, the last one padded with zeros.

        Mark times count from the first yielded chunk. Empty or unspeakable text yields nothing. Raises `VoiceError`.
        Closing the iterator stops the work and frees what it holds.
        """
        ...

    async def close(self) -> None:
        """Release threads, sessions and connections."""
        ...
