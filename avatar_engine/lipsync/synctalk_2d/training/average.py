"""A running average of weights: calmer than the weights themselves, and better on what was never seen."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

_EARLY = 10


class WeightAverage:
    """Follows a network. `share` is what the average keeps at a step; in the first steps it keeps less."""

    def __init__(self, net: nn.Module, share: float) -> None:
        self.net = copy.deepcopy(net).eval().requires_grad_(False)
        self._share = share

    def follow(self, net: nn.Module, step: int) -> None:
        """Take in the weights of `net` after `step` steps, counted from 1. Counters and statistics move alike."""
        import torch

        keep = min(self._share, step / (step + _EARLY))
        with torch.no_grad():
            ours, theirs = [list(each.state_dict().values()) for each in (self.net, net)]
            moving = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.is_floating_point()]
            torch._foreach_lerp_([a for a, _ in moving], [b for _, b in moving], 1 - keep)
            for a, b in zip(ours, theirs, strict=True):
                if not a.is_floating_point():
                    a.copy_(b)
