"""What stage asks render to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RoomSpec:
    """What stage asks render to show."""

    engine: str
    avatar: str
    width: int
    height: int
    seed: int
    video_kbps: int

    @classmethod
    def parse(cls, value: dict[str, Any]) -> RoomSpec:
        """The spec in a `room.open` message. Raises KeyError, TypeError or ValueError."""
        return cls(
            engine=str(value["engine"]),
            avatar=str(value.get("avatar", "")),
            width=int(value["width"]),
            height=int(value["height"]),
            seed=int(value["seed"]),
            video_kbps=int(value["video_kbps"]),
        )
