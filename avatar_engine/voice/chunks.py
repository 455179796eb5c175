"""Cuts a stream of samples into 20 ms chunks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import AudioChunk, Int16, Mark


class Chunker:
    """Turns samples of one utterance into `AudioChunk`s. Holds less than one chunk of sound."""

    def __init__(self) -> None:
        self._rest: Int16 = np.zeros(0, np.int16)
        self._marks: list[Mark] = []
        self.samples = 0
        """Samples taken so far: where the next push begins."""

    def mark(self, marks: Iterable[Mark]) -> None:
        """Marks that go out with the next chunk. Times count from the first sample ever pushed."""
        self._marks.extend(marks)

    def push(self, pcm: Int16) -> list[AudioChunk]:
        """Take int16[n] mono at 48 kHz; return the chunks that are full now."""
        self.samples += len(pcm)
        joined = np.concatenate((self._rest, pcm))
        whole = len(joined) - len(joined) % CHUNK_SAMPLES
        self._rest = joined[whole:]
        return [self._chunk(joined[at : at + CHUNK_SAMPLES]) for at in range(0, whole, CHUNK_SAMPLES)]

    def flush(self) -> list[AudioChunk]:
        """The last chunk, padded with zeros; nothing where no sample and no mark is left."""
        if not len(self._rest) and not self._marks:
            return []
        padded = np.zeros(CHUNK_SAMPLES, np.int16)
        padded[: len(self._rest)] = self._rest
        self._rest = self._rest[:0]
        return [self._chunk(padded)]

    def _chunk(self, pcm: Int16) -> AudioChunk:
        marks, self._marks = tuple(self._marks), []
        return AudioChunk(pcm, marks)
