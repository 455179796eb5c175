"""What the loop drives: one network on its way from noise to its best."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from avatar_engine.lipsync.synctalk_2d.training.options import Schedule

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

PhaseName = Literal["syncnet", "unet"]
_LAST_RATE_SHARE = 0.01


class Phase(Protocol):
    """One network with its optimiser and its data. Deterministic: the same step after the same steps does the same."""

    name: PhaseName
    steps: int
    batch: int
    """Samples of a step at the beginning, and then what the loop sets where memory does not suffice."""
    goal: str
    """Which number of `validate` is to become large."""

    def step(self, step: int, start: int, count: int) -> dict[str, Tensor]:
        """Learn from `count` samples after the first `start`; `step` counts from 0. Returns losses, scalars."""
        ...

    def validate(self) -> dict[str, float]:
        """Numbers over the held-out samples."""
        ...

    def state(self) -> dict[str, Any]:
        """All that going on needs; tensors, numbers, lists and dicts."""
        ...

    def load(self, state: dict[str, Any]) -> None: ...

    def save_best(self, folder: Path, found: dict[str, float]) -> None:
        """Write the weights as they are now, and what shows how good they are, into the training folder."""
        ...


def choose_rate(step: int, steps: int, first: float, warmup: int, schedule: Schedule) -> float:
    """Learning rate of `step`, from 0: up over `warmup` steps, then `first`, or half a cosine down to a hundredth."""
    if step < warmup:
        return first * (step + 1) / warmup
    if schedule == "constant":
        return first
    done = min(1.0, (step - warmup) / max(1, steps - warmup))
    return first * (_LAST_RATE_SHARE + (1 - _LAST_RATE_SHARE) * 0.5 * (1 + math.cos(math.pi * done)))


def set_rate(optimiser: Optimizer, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
