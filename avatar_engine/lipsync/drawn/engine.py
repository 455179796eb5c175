"""The drawn family: a presenter painted by code. No weights, no torch, any CPU."""

from __future__ import annotations

from pathlib import Path

from avatar_engine.errors import PreparationError
from avatar_engine.lipsync.base import Capabilities
from avatar_engine.lipsync.drawn.session import DrawnSession
from avatar_engine.timing import FPS


class DrawnEngine:
    """One presenter ships with the family; there is nothing to prepare and nothing to load."""

    capabilities = Capabilities(fps=FPS, chunk_frames=1, lookahead_frames=0, realtime=True, features="spectral")

    @classmethod
    def prepare(cls, source: Path, folder: Path) -> None:
        """Always raises `PreparationError`: this presenter is drawn, not taken from a source."""
        raise PreparationError("the drawn family has its own presenter and takes no source")

    @classmethod
    def load(cls, folder: Path | None = None, device: str = "cpu") -> DrawnEngine:
        """The presenter of the family, whatever the device. `folder` is not read."""
        return cls()

    def open(self, seed: int, width: int, height: int) -> DrawnSession:
        """Paint the presenter at this size, which takes about a second. `seed` sets the rhythm of its idle life."""
        return DrawnSession(seed, width, height)
