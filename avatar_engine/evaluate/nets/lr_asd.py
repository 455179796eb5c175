"""LR-ASD: the smaller and sturdier successor of Light-ASD (Liao et al., IJCV 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avatar_engine.evaluate.nets.speaker_parts import (
    NORM_EPS,
    WIDTHS,
    FaceEncoder,
    Head,
    SoundEncoder,
    build_in_pitch,
    build_in_plane,
    build_in_sound,
    build_in_time,
)

LARGE, SMALL = 5, 3


class _Chain(nn.Module):
    """A large and a small kernel in the picture (or in pitch), then a large and a small one in time.

    Names: `<first>_1`, `<first>_2`, `t_1`, `t_2`; their norms `<first>_norm_1` and so on.
    """

    def __init__(self, first: str, convolutions: list[nn.Module], norms: list[nn.Module]) -> None:
        super().__init__()
        self._steps = [(f"{kind}_{n}", f"{kind}_norm_{n}") for kind in (first, "t") for n in (1, 2)]
        for (name, norm_name), convolution, norm in zip(self._steps, convolutions, norms, strict=True):
            self.add_module(name, convolution)
            self.add_module(norm_name, norm)

    def forward(self, x: Tensor) -> Tensor:
        for name, norm_name in self._steps:
            x = nn.functional.relu(self.get_submodule(norm_name)(self.get_submodule(name)(x)))
        return x


class FaceBlock(_Chain):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        half = outputs // 2
        convolutions: list[nn.Module] = [
            build_in_plane(inputs, half, LARGE, stride),
            build_in_plane(half, outputs, SMALL),
            build_in_time(outputs, LARGE),
            build_in_time(outputs, SMALL),
        ]
        super().__init__("s", convolutions, [nn.BatchNorm3d(n, NORM_EPS) for n in (half, outputs, outputs, outputs)])


class SoundBlock(_Chain):
    def __init__(self, inputs: int, outputs: int) -> None:
        half = outputs // 2
        convolutions: list[nn.Module] = [
            build_in_pitch(inputs, half, LARGE),
            build_in_pitch(half, outputs, SMALL),
            build_in_sound(outputs, LARGE),
            build_in_sound(outputs, SMALL),
        ]
        super().__init__("m", convolutions, [nn.BatchNorm2d(n, NORM_EPS) for n in (half, outputs, outputs, outputs)])


class Weighing(nn.Module):
    """Two streams float[n, frames, c / 2] side by side, every channel weighed by a gate of all of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = nn.Conv1d(channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm1d(channels, NORM_EPS)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        x = torch.cat((first, second), dim=2).transpose(1, 2)
        return (x * torch.sigmoid(self.bn(self.attention(x)))).transpose(1, 2)


class Detector(nn.Module):
    """Two recurrent passes over time, forwards and backwards, weighed."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(channels, channels // 4, batch_first=True)
        self.gru_backward = nn.GRU(channels, channels // 4, batch_first=True)
        self.attention = Weighing(channels // 2)

    def forward(self, x: Tensor) -> Tensor:
        forwards = self.gru_forward(x)[0]
        backwards = self.gru_backward(x.flip(1))[0].flip(1)
        return self.attention(forwards, backwards)  # type: ignore[no-any-return]


class _Trunk(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        first, second, third, last = WIDTHS
        self.visualEncoder = FaceEncoder(
            (FaceBlock(first, second, 2), FaceBlock(second, third, 1), FaceBlock(third, last, 1))
        )
        self.audioEncoder = SoundEncoder(
            (SoundBlock(first, second), SoundBlock(second, third), SoundBlock(third, last))
        )
        self.fusion = Weighing(2 * last)
        self.detector = Detector(2 * last)


class LrAsd(nn.Module):
    """Faces float[n, frames, 112, 112] and cepstra float[n, 4 * frames, 13] to logits float[n, frames, 2]."""

    def __init__(self) -> None:
        super().__init__()
        self.model = _Trunk()
        self.lossAV = Head()
        self.lossV = Head()

    def encode_faces(self, faces: Tensor) -> Tensor:
        """float[n, frames, 128]; the dear part, and the same for every shift of the sound."""
        return self.model.visualEncoder(faces)  # type: ignore[no-any-return]

    def encode_sound(self, cepstra: Tensor) -> Tensor:
        """float[n, frames, 128]."""
        return self.model.audioEncoder(cepstra)  # type: ignore[no-any-return]

    def judge(self, faces: Tensor, sound: Tensor) -> Tensor:
        """Logits float[n, frames, 2] of encoded faces with encoded sound."""
        return self.lossAV(self.model.detector(self.model.fusion(sound, faces)))  # type: ignore[no-any-return]
