"""The judge of training: do a face and a window of sound belong together?"""

from __future__ import annotations

from torch import Tensor, nn

from avatar_engine.lipsync.synctalk_2d.nets.blocks import ConvRow, flatten_unit
from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_INNER_PX, NetSpec

LEAK = 0.01


def _row(inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 1, padding: int = 1) -> ConvRow:
    return ConvRow(inputs, outputs, kernel, stride, padding, leak=LEAK)


def _kept(channels: int, times: int) -> list[ConvRow]:
    return [ConvRow(channels, channels, 3, 1, 1, residual=True, leak=LEAK) for _ in range(times)]


def build_face_encoder(spec: NetSpec) -> nn.Sequential:
    """float[B, 3, S, S] -> float[B, widths[-1], 3, 3]. Smaller pictures than the published skip the last halving."""
    top = spec.widths[-1]
    w0, w1, w2, w3 = top // 16, top // 8, top // 4, top // 2
    last_stride = 2 if spec.inner >= PUBLISHED_INNER_PX else 1
    return nn.Sequential(
        _row(3, w0, 7, 1, 3),
        _row(w0, w0, 5, 2),
        _row(w0, w1, 5, 2),
        *_kept(w1, 2),
        _row(w1, w2, 3, 2),
        *_kept(w2, 3),
        _row(w2, w3, 3, 2),
        *_kept(w3, 2),
        _row(w3, top, 3, 2),
        *_kept(top, 2),
        _row(top, top, 3, last_stride),
        _row(top, top, 3, 1, 0),
        _row(top, top, 1, 1, 0),
    )


def build_sound_encoder(spec: NetSpec) -> nn.Sequential:
    """float[B, *spec.audio_shape] -> float[B, widths[-1], 3, 3]."""
    top = spec.widths[-1]
    quarter, half = top // 4, top // 2
    stride = {"ave": (1, 1), "hubert": (2, 2), "wenet": (1, 2)}[spec.audio]
    return nn.Sequential(
        _row(spec.audio_shape[0], quarter),
        *_kept(quarter, 2),
        _row(quarter, half, 3, stride),
        *_kept(half, 2),
        _row(half, half, 3, 2, 2),
        *_kept(half, 2),
        _row(half, top, 3, 2),
        *_kept(top, 2),
        _row(top, top, 3, 1, 0),
        _row(top, top, 1, 1, 0),
    )


class SyncNet(nn.Module):
    """face float[B, 3, S, S] BGR in 0..1 and audio float[B, *spec.audio_shape] -> two float[B, 9 * widths[-1]].

    Both are of length 1, so their scalar product is the cosine that says how well they fit.
    """

    def __init__(self, spec: NetSpec) -> None:
        super().__init__()
        self.spec = spec
        self.face_encoder = build_face_encoder(spec)
        self.audio_encoder = build_sound_encoder(spec)

    def forward(self, face: Tensor, audio: Tensor) -> tuple[Tensor, Tensor]:
        return flatten_unit(self.face_encoder(face)), flatten_unit(self.audio_encoder(audio))
