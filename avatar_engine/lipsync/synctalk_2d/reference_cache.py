"""Keeps what a network makes of each source picture, so that on air only the sound costs anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from avatar_engine.lipsync.synctalk_2d.crop import take_inner
from avatar_engine.lipsync.synctalk_2d.generator import PictureSource
from avatar_engine.lipsync.synctalk_2d.onnx_runner import Maps
from avatar_engine.types import UInt8

BUDGET_BYTES = 512 << 20
MOST_FRAMES = 250
"""A loop longer than this, or larger than the budget, is not kept at all: half a loop would only hide the cost."""


class Reference(NamedTuple):
    """A source picture uint8[S, S, 3] RGB and what the network makes of it."""

    inner: UInt8
    maps: Maps


class ReferenceCache:
    """References of a source loop, each made when it is first asked for."""

    def __init__(self, source: PictureSource, look: Callable[[UInt8], Maps], budget_bytes: int = BUDGET_BYTES) -> None:
        self._source = source
        self._look = look
        first = self._build(0)
        self.frame_bytes = first.inner.nbytes + sum(made.nbytes for made in first.maps)
        """What one frame takes."""
        self.keeps = source.frames <= MOST_FRAMES and source.frames * self.frame_bytes <= budget_bytes
        """Whether the loop fits."""
        self._kept: dict[int, Reference] = {0: first} if self.keeps else {}

    @property
    def kept_bytes(self) -> int:
        """What is held now."""
        return len(self._kept) * self.frame_bytes

    def get(self, frame: int) -> Reference:
        """The reference of source frame `frame`. Raises `IndexError` outside the source."""
        if not 0 <= frame < self._source.frames:
            raise IndexError(f"the source has frames 0 to {self._source.frames - 1}, not {frame}")
        reference = self._kept.get(frame)
        if reference is None:
            reference = self._build(frame)
            if self.keeps:
                self._kept[frame] = reference
        return reference

    def clear(self) -> None:
        self._kept.clear()

    def _build(self, frame: int) -> Reference:
        inner = np.ascontiguousarray(take_inner(self._source.crop(frame)))
        return Reference(inner, self._look(inner))
