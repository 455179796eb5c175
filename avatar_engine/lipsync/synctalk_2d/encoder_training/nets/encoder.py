"""The encoder with the heads that teach it. Torch; import it inside functions only."""

from __future__ import annotations

from torch import Tensor, nn

from avatar_engine.features.ave_net import LAYERS
from avatar_engine.lipsync.synctalk_2d.nets.blocks import ConvRow

WIDTHS = (16, 16, 16, 32, 32, 32, 64, 64, 64, 128, 128, 256, 512)
"""Channels of each layer: half of the published encoder's but for the last, which the picture network sees."""


class TaughtEncoder(nn.Module):
    """float[B, 1, 80, 16] mel to float[B, 512], and from there to what teaches it.

    Its `audio_encoder` has the names and, but for the widths, the layers of the published encoder.
    """

    def __init__(self, outputs: dict[str, int]) -> None:
        """`outputs`: numbers of each head."""
        super().__init__()
        rows: list[ConvRow] = []
        width = 1
        for layer, outer in zip(LAYERS, WIDTHS, strict=True):
            kernel = 1 if len(rows) == len(LAYERS) - 1 else 3
            rows.append(ConvRow(width, outer, kernel, layer.stride, layer.pad, residual=layer.residual))
            width = outer
        self.audio_encoder = nn.Sequential(*rows)
        self.drop = nn.Dropout(0.2)
        self.heads = nn.ModuleDict({name: nn.Linear(width, count) for name, count in outputs.items()})

    def encode(self, mel: Tensor) -> Tensor:
        """float[B, 1, 80, 16] to float[B, 512], none below zero."""
        rows: Tensor = self.audio_encoder(mel)
        return rows.flatten(1)

    def forward(self, mel: Tensor) -> dict[str, Tensor]:
        """What each head says, float[B, numbers of the head]."""
        rows = self.drop(self.encode(mel))
        return {name: head(rows) for name, head in self.heads.items()}
