"""The sound encoder: 0.2 s of mel to 512 numbers. Shared by all presenters."""

from __future__ import annotations

from torch import Tensor, nn

from avatar_engine.lipsync.synctalk_2d.nets.blocks import ConvRow


class AudioEncoder(nn.Module):
    """mel float[B, 1, 80, 16], normalised to -4..4, -> float[B, 512], never negative."""

    def __init__(self) -> None:
        super().__init__()
        self.audio_encoder = nn.Sequential(
            ConvRow(1, 32, 3, 1, 1),
            ConvRow(32, 32, 3, 1, 1, residual=True),
            ConvRow(32, 32, 3, 1, 1, residual=True),
            ConvRow(32, 64, 3, (3, 1), 1),
            ConvRow(64, 64, 3, 1, 1, residual=True),
            ConvRow(64, 64, 3, 1, 1, residual=True),
            ConvRow(64, 128, 3, 3, 1),
            ConvRow(128, 128, 3, 1, 1, residual=True),
            ConvRow(128, 128, 3, 1, 1, residual=True),
            ConvRow(128, 256, 3, (3, 2), 1),
            ConvRow(256, 256, 3, 1, 1, residual=True),
            ConvRow(256, 512, 3),
            ConvRow(512, 512, 1),
        )

    def forward(self, mel: Tensor) -> Tensor:
        out: Tensor = self.audio_encoder(mel)
        return out.flatten(1)
