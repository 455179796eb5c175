"""VGG-16 as a measure of likeness: what a picture looks like after each of its five stages."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each stage; a 2x2 pool stands between two stages."""

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class PerceptualDistance(nn.Module):
    """LPIPS with VGG-16 (Zhang, Isola, Efros, Shechtman and Wang, 2018; weights v0.1).

    State: `features.<n>.{weight,bias}` with n as in the usual list of VGG-16 layers, and one row of weights per stage,
    `heads.<k>`, shape [1, channels, 1, 1].
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict()
        self._stages: list[list[str]] = []
        number, channels = 0, 3
        for width, convolutions in STAGES:
            names = []
            for _ in range(convolutions):
                self.features[str(number)] = nn.Conv2d(channels, width, 3, padding=1)
                names.append(str(number))
                number, channels = number + 2, width  # the ReLU has a number of its own
            self._stages.append(names)
            number += 1  # and so has the pool
        self.heads = nn.ParameterList([nn.Parameter(torch.zeros(1, width, 1, 1)) for width, _ in STAGES])
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, picture: Tensor, truth: Tensor) -> Tensor:
        """Distances float[n] of float[n, 3, h, w] RGB in 0..1 from their truths; sides of 16 pixels at least."""
        total = picture.new_zeros(picture.shape[0])
        mean, deviation = self.get_buffer("mean"), self.get_buffer("deviation")
        a, b = ((x - mean) / deviation for x in (picture, truth))
        for stage, (names, head) in enumerate(zip(self._stages, self.heads, strict=True)):
            if stage:
                a, b = (nn.functional.max_pool2d(x, 2) for x in (a, b))
            for name in names:
                a, b = (nn.functional.relu(self.features[name](x)) for x in (a, b))
            away = (_unit(a) - _unit(b)) ** 2
            total = total + nn.functional.conv2d(away, head).mean(dim=(1, 2, 3))
        return total


def _unit(x: Tensor) -> Tensor:
    unit: Tensor = x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + 1e-10)
    return unit
