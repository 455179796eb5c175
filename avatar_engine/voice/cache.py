"""Sentences that will be said again, kept as sound: the latest in memory, more of them on disk."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from avatar_engine.types import AudioChunk
from avatar_engine.voice.sound_folder import SoundFolder, SoundKey


class SoundCache:
    """Whole sentences. In memory at most `limit_bytes` of sound, the one not asked for the longest goes first.

    What `folder` holds outlives the process and is shared with others.
    """

    def __init__(self, limit_bytes: int, folder: SoundFolder | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._folder = folder
        self._kept: OrderedDict[SoundKey, tuple[AudioChunk, ...]] = OrderedDict()
        self.held_bytes = 0

    async def get(self, key: SoundKey) -> tuple[AudioChunk, ...] | None:
        """The chunks as they were put, marks included."""
        chunks = self._kept.get(key)
        if chunks is not None:
            self._kept.move_to_end(key)
        elif self._folder is not None:
            chunks = await asyncio.to_thread(self._folder.load, key)
            if chunks is not None:
                self._hold(key, chunks)
        return chunks

    async def put(self, key: SoundKey, chunks: Sequence[AudioChunk]) -> None:
        """Keep a whole sentence; one that is longer than all there is room for is not kept."""
        if key not in self._kept:
            self._hold(key, tuple(chunks))
        if self._folder is not None:
            await asyncio.to_thread(self._folder.save, key, tuple(chunks))

    def clear(self) -> None:
        """Keep nothing in memory any more."""
        self._kept.clear()
        self.held_bytes = 0

    def _hold(self, key: SoundKey, chunks: tuple[AudioChunk, ...]) -> None:
        size = _size(chunks)
        if key in self._kept or size > self._limit_bytes:
            return
        self._kept[key] = chunks
        self.held_bytes += size
        while self.held_bytes > self._limit_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.held_bytes -= _size(dropped)


def _size(chunks: Sequence[AudioChunk]) -> int:
    return sum(chunk.pcm.nbytes for chunk in chunks)
