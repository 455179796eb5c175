"""The two building blocks of the picture network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EXPANSION = 2


class InvertedResidual(nn.Module):
    """1x1 convolution to twice the channels, 3x3 depthwise, 1x1 to `outputs`; the last one is linear.

    float[B, inputs, H, W] -> float[B, outputs, ceil(H / stride), ceil(W / stride)]. With `residual` the input is added.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1, *, residual: bool = False) -> None:
        super().__init__()
        if residual and (stride != 1 or inputs != outputs):
            raise ValueError("a residual block keeps size and channels")
        hidden = inputs * EXPANSION
        self.residual = residual
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return x + out if self.residual else out


class DoubleBlock(nn.Module):
    """A block that changes channels and size, then a residual one."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.double_conv = nn.Sequential(
            InvertedResidual(inputs, outputs, stride), InvertedResidual(outputs, outputs, residual=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.double_conv(x)
        return out


class ConvRow(nn.Module):
    """Convolution with bias, batch norm, with `residual` the input added, and then the activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int | tuple[int, int] = 1,
        padding: int = 0,
        *,
        residual: bool = False,
        leak: float = 0.0,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.conv_block = nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.BatchNorm2d(outputs))
        self.act = nn.LeakyReLU(leak) if leak else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv_block(x)
        activated: Tensor = self.act(x + out if self.residual else out)
        return activated


def flatten_unit(x: Tensor) -> Tensor:
    """float[B, ...] -> float[B, n] of length 1 each."""
    return nn.functional.normalize(torch.flatten(x, 1))
