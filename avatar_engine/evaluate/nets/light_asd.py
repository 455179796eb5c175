"""Light-ASD: who is speaking, from one face and the sound (Liao et al., CVPR 2023)."""

from __future__ import annotations

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

KERNELS = (3, 5)


class _Branches(nn.Module):
    """Kernels of 3 and of 5 side by side, first in the picture (or in pitch), then in time; summed, then mixed.

    Names: `<first>_<kernel>`, `t_<kernel>`, `last`, and `bn_` before each for its norm.
    """

    def __init__(self, first: str, outputs: int) -> None:
        super().__init__()
        self._first = first
        self._norm = nn.BatchNorm3d if first == "s" else nn.BatchNorm2d
        self._outputs = outputs

    def _add(self, name: str, convolution: nn.Module) -> None:
        self.add_module(name, convolution)
        self.add_module(f"bn_{name}", self._norm(self._outputs, eps=NORM_EPS))

    def _run(self, name: str, x: Tensor) -> Tensor:
        convolution, norm = self.get_submodule(name), self.get_submodule(f"bn_{name}")
        return nn.functional.relu(norm(convolution(x)))

    def forward(self, x: Tensor) -> Tensor:
        small, large = (self._run(f"t_{kernel}", self._run(f"{self._first}_{kernel}", x)) for kernel in KERNELS)
        return self._run("last", small + large)


class FaceBlock(_Branches):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__("s", outputs)
        for kernel in KERNELS:
            self._add(f"s_{kernel}", build_in_plane(inputs, outputs, kernel, stride))
            self._add(f"t_{kernel}", build_in_time(outputs, kernel))
        self._add("last", nn.Conv3d(outputs, outputs, 1, bias=False))


class SoundBlock(_Branches):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__("m", outputs)
        for kernel in KERNELS:
            self._add(f"m_{kernel}", build_in_pitch(inputs, outputs, kernel))
            self._add(f"t_{kernel}", build_in_sound(outputs, kernel))
        self._add("last", nn.Conv2d(outputs, outputs, 1, bias=False))


class TwoWay(nn.Module):
    """One recurrent pass forwards over time and one backwards over its result."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gru_forward = nn.GRU(channels, channels, batch_first=True)
        self.gru_backward = nn.GRU(channels, channels, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.gelu(self.gru_forward(x)[0])
        x = self.gru_backward(x.flip(1))[0].flip(1)
        return nn.functional.gelu(x)


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
        self.GRU = TwoWay(last)


class LightAsd(nn.Module):
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
        return self.lossAV(self.model.GRU(sound + faces))  # type: ignore[no-any-return]
