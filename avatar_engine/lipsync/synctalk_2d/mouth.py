"""When the mouth is drawn and how much of it shows: it never comes or goes at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from avatar_engine.types import Float32

RAMP_FRAMES = 3
"""Frames in which a drawn mouth takes the place of the source's own, and gives it back."""


class MouthPlan(NamedTuple):
    """One frame: what the network hears, float32[16, 512], and the share 0..1 of the drawn mouth; None rests."""

    window: Float32 | None
    share: float


class MouthState:
    """What speech leaves behind: how much of the drawn mouth shows, and what was heard last."""

    def __init__(self, rest: Float32 | None) -> None:
        """`rest`: what the network hears in silence, float32[16, 512], where the mouth is drawn in silence too."""
        self._rest = rest
        self._level = 0
        self._window: Float32 | None = None

    def speak(self, window: Float32) -> MouthPlan:
        """A frame of speech with its window, float32[16, 512]."""
        self._level = min(self._level + 1, RAMP_FRAMES)
        self._window = window
        return MouthPlan(window, 1.0 if self._rest is not None else self._level / RAMP_FRAMES)

    def rest(self) -> MouthPlan:
        """A silent frame. After speech the last window moves on into silence while its mouth fades."""
        self._level = max(self._level - 1, 0)
        if self._level and self._window is not None:
            tail = np.zeros_like(self._window[:1]) if self._rest is None else self._rest[:1]
            self._window = np.concatenate([self._window[1:], tail])
            return MouthPlan(self._window, 1.0 if self._rest is not None else self._level / RAMP_FRAMES)
        self._window = None
        return MouthPlan(self._rest, 0.0 if self._rest is None else 1.0)
