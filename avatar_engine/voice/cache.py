"""Sentences that will be said again, kept as sound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import Voice

Key = tuple[Voice, str, str]
"""Who says it, the text, and its language. A voice has one rate, and its options never change."""


class SoundCache:
    """Whole sentences in memory; the one not asked for the longest goes first. Holds at most `limit_bytes` of sound."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[Key, tuple[AudioChunk, ...]] = OrderedDict()
        self.held_bytes = 0

    def get(self, key: Key) -> tuple[AudioChunk, ...] | None:
        """The chunks as they were put, marks included."""
        chunks = self._kept.get(key)
        if chunks is not None:
            self._kept.move_to_end(key)
        return chunks

    def put(self, key: Key, chunks: Sequence[AudioChunk]) -> None:
        """Keep a whole sentence; one that is longer than all there is room for is not kept."""
        size = _size(chunks)
        if key in self._kept or size > self._limit_bytes:
            return
        self._kept[key] = tuple(chunks)
        self.held_bytes += size
        while self.held_bytes > self._limit_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.held_bytes -= _size(dropped)

    def clear(self) -> None:
        """Keep nothing any more."""
        self._kept.clear()
        self.held_bytes = 0


def _size(chunks: Sequence[AudioChunk]) -> int:
    return sum(chunk.pcm.nbytes for chunk in chunks)
