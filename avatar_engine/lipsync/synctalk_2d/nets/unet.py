"""The picture network: redraws the lower face to fit a window of sound."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from avatar_engine.lipsync.synctalk_2d.nets.blocks import DoubleBlock, InvertedResidual
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec

PICTURE_CHANNELS = 6
"""The reference picture (3) and the masked picture (3), BGR in 0..1."""


class AudioModel(nn.Module):
    """float[B, *spec.audio_shape] -> float[B, spec.audio_width, 10, 10]."""

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        width = spec.audio_width
        inputs = spec.audio_shape[0]
        half, quarter, eighth = width // 2, width // 4, width // 8
        stride = {"ave": (1, 1), "hubert": (2, 2), "wenet": (1, 2)}[spec.audio]
        wide = spec.audio == "wenet"
        if wide:
            eighth = quarter = half
        self.conv1 = InvertedResidual(inputs, eighth, residual=wide and inputs == half)
        self.conv2 = InvertedResidual(eighth, quarter, residual=wide)
        self.conv3 = nn.Conv2d(quarter, half, 3, stride, 1)
        self.bn3 = nn.BatchNorm2d(half)
        self.conv4 = InvertedResidual(half, half, residual=True)
        self.conv5 = nn.Conv2d(half, width, 3, 2, 3)
        self.bn5 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv6 = InvertedResidual(width, width, residual=True)
        self.conv7 = InvertedResidual(width, width, residual=True)

    def forward(self, audio: Tensor) -> Tensor:
        x = self.conv2(self.conv1(audio))
        x = self.conv4(self.relu(self.bn3(self.conv3(x))))
        x = self.relu(self.bn5(self.conv5(x)))
        out: Tensor = self.conv7(self.conv6(x))
        return out


class Inlet(nn.Module):
    """The first block; keeps the size."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.inconv = nn.Sequential(InvertedResidual(PICTURE_CHANNELS, outputs))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inconv(x)
        return out


class Down(nn.Module):
    """Half the side. The name of the inner part is that of published weights; nothing is pooled."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(DoubleBlock(inputs, outputs, stride=2))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.maxpool_conv(x)
        return out


class Up(nn.Module):
    """Twice the side (bilinear, corners aligned), joined with the picture encoder's map of that size."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.conv = DoubleBlock(inputs + skip, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        out: Tensor = self.conv(torch.cat([up, skip], dim=1))
        return out


class Outlet(nn.Module):
    """1x1 convolution to BGR; the sigmoid comes after."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class UNet(nn.Module):
    """picture float[B, 6, S, S] and audio float[B, *spec.audio_shape] -> float[B, 3, S, S], BGR in 0..1.

    S is `spec.inner`. Everything about the picture is in `encode_reference`; `decode` needs the sound. Parameter
    names are those of published weights.
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.spec = spec
        widths, width = spec.widths, spec.audio_width
        self.audio_model = AudioModel(spec)
        self.fuse_conv = nn.Sequential(DoubleBlock(2 * width, width), DoubleBlock(width, widths[-2]))
        self.inc = Inlet(widths[0])
        for step, (inputs, outputs) in enumerate(pairwise(widths), 1):
            self.add_module(f"down{step}", Down(inputs, outputs))
        coming = widths[-2]
        for step, (skip, outputs) in enumerate(zip(reversed(widths[:-1]), spec.up_widths, strict=True), 1):
            self.add_module(f"up{step}", Up(coming, skip, outputs))
            coming = outputs
        self.outc = Outlet(coming)

    def encode_reference(self, picture: Tensor) -> tuple[Tensor, ...]:
        """float[B, 6, S, S] -> one map per width, from float[B, widths[0], S, S] to float[B, widths[-1], 10, 10]."""
        maps = [self.inc(picture)]
        for step in range(1, self.spec.downs + 1):
            maps.append(self.get_submodule(f"down{step}")(maps[-1]))
        return tuple(maps)

    def decode(self, skips: tuple[Tensor, ...], audio: Tensor) -> Tensor:
        """What `encode_reference` gave and float[B, *spec.audio_shape] -> float[B, 3, S, S] in 0..1."""
        x = self.fuse_conv(torch.cat([skips[-1], self.audio_model(audio)], dim=1))
        for step, skip in enumerate(reversed(skips[:-1]), 1):
            x = self.get_submodule(f"up{step}")(x, skip)
        return torch.sigmoid(self.outc(x))

    def forward(self, picture: Tensor, audio: Tensor) -> Tensor:
        return self.decode(self.encode_reference(picture), audio)
