"""Takes the silence off both ends of a stream of sound, without waiting for its end."""

from __future__ import annotations

import numpy as np

from avatar_engine.timing import ms_to_samples
from avatar_engine.types import Int16

LEAD_MS = 40.0
TAIL_MS = 80.0
_LOUD = 150
"""Samples of int16 sound louder than this are speech: 47 dB below full scale."""


class SilenceTrimmer:
    """Keeps 40 ms before the first sound and 80 ms after the last. Holds back silence until sound follows it."""

    def __init__(self) -> None:
        self._held: Int16 = np.zeros(0, np.int16)
        self.started = False
        self.dropped = 0
        """Samples that were taken off the start; final once `started`."""

    def push(self, pcm: Int16) -> Int16:
        """Take int16[n]; return what is sure to stay."""
        self._held = np.concatenate((self._held, pcm))
        loud = np.flatnonzero(np.abs(self._held.astype(np.int32)) > _LOUD)
        if not len(loud):
            if not self.started:
                self._drop(len(self._held) - ms_to_samples(LEAD_MS))
            return self._held[:0]
        if not self.started:
            lead = self._drop(int(loud[0]) - ms_to_samples(LEAD_MS))
            loud = loud - lead
            self.started = True
        sure, self._held = np.split(self._held, [int(loud[-1]) + 1])
        return sure

    def flush(self) -> Int16:
        """The tail; nothing where there was no sound at all."""
        tail = self._held[: ms_to_samples(TAIL_MS)] if self.started else self._held[:0]
        self._held = self._held[:0]
        return tail

    def _drop(self, samples: int) -> int:
        samples = max(0, samples)
        self._held = self._held[samples:]
        self.dropped += samples
        return samples
