"""What two networks of who is speaking share: convolutions of one axis each, and the way from picture and sound."""

from __future__ import annotations

from torch import Tensor, nn

FACE_MEAN, FACE_DEVIATION = 0.4161, 0.1688
WIDTHS = (1, 32, 64, 128)
NORM_EPS = 0.001


def build_in_plane(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv3d:
    """Over rows and columns of each face alone."""
    rim = kernel // 2
    return nn.Conv3d(inputs, outputs, (1, kernel, kernel), (1, stride, stride), (0, rim, rim), bias=False)


def build_in_time(channels: int, kernel: int) -> nn.Conv3d:
    """Over neighbouring faces of each pixel alone."""
    return nn.Conv3d(channels, channels, (kernel, 1, 1), padding=(kernel // 2, 0, 0), bias=False)


def build_in_pitch(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """Over neighbouring coefficients of each row of sound alone."""
    return nn.Conv2d(inputs, outputs, (kernel, 1), padding=(kernel // 2, 0), bias=False)


def build_in_sound(channels: int, kernel: int) -> nn.Conv2d:
    """Over neighbouring rows of sound of each coefficient alone."""
    return nn.Conv2d(channels, channels, (1, kernel), padding=(0, kernel // 2), bias=False)


class FaceEncoder(nn.Module):
    """Grey faces float[n, frames, 112, 112] in 0..255 to float[n, frames, 128]."""

    def __init__(self, blocks: tuple[nn.Module, nn.Module, nn.Module]) -> None:
        super().__init__()
        self.block1, self.block2, self.block3 = blocks
        self._pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, faces: Tensor) -> Tensor:
        x = ((faces / 255 - FACE_MEAN) / FACE_DEVIATION).unsqueeze(1)
        x = self._pool(self.block1(x))
        x = self._pool(self.block2(x))
        x = self.block3(x)
        seen: Tensor = x.amax(dim=(3, 4)).transpose(1, 2)
        return seen


class SoundEncoder(nn.Module):
    """Cepstra float[n, 4 * frames, 13] to float[n, frames, 128]."""

    def __init__(self, blocks: tuple[nn.Module, nn.Module, nn.Module]) -> None:
        super().__init__()
        self.block1, self.block2, self.block3 = blocks
        self._pool = nn.MaxPool2d((1, 3), (1, 2), (0, 1))

    def forward(self, cepstra: Tensor) -> Tensor:
        x = cepstra.transpose(1, 2).unsqueeze(1)
        x = self._pool(self.block1(x))
        x = self._pool(self.block2(x))
        x = self.block3(x)
        heard: Tensor = x.mean(dim=2).transpose(1, 2)
        return heard


class Head(nn.Module):
    """float[n, frames, 128] to the two logits: silent, speaking."""

    def __init__(self) -> None:
        super().__init__()
        self.FC = nn.Linear(WIDTHS[-1], 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.FC(x)  # type: ignore[no-any-return]  # modules are untyped when called
