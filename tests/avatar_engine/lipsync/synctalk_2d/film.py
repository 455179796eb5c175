"""A source loop and windows of sound for tests of what draws: smooth pictures from a seed, no face in them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from avatar_engine.lipsync.synctalk_2d.checkpoint import save_state
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32, UInt8
from tests.avatar_engine.lipsync.synctalk_2d.golden import fill

TINY = NetSpec(80, (4, 8, 12, 16))


class Film:
    """A `PictureSource` that counts how often it was asked."""

    def __init__(self, spec: NetSpec, frames: int) -> None:
        self.frames = frames
        self.asked: list[int] = []
        self._side = spec.crop

    def crop(self, frame: int) -> UInt8:
        self.asked.append(frame)
        coarse = np.random.default_rng(frame).integers(0, 256, (9, 9, 3), np.uint8)
        return np.asarray(cv2.resize(coarse, (self._side, self._side), interpolation=cv2.INTER_CUBIC), np.uint8)


def build_windows(count: int, seed: int = 0) -> Float32:
    """float32[count, 16, 512], half of it zeros and the rest up to a few units, as the audio encoder gives."""
    noise = np.random.default_rng(seed).standard_normal((count, 16, 512))
    return np.maximum(noise, 0).astype(np.float32) * 1.2


def write_weights(folder: Path, spec: NetSpec = TINY) -> None:
    """`unet.safetensors` with the golden fill."""
    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

    save_state(folder / "unet.safetensors", fill(UNet(spec)).state_dict())


def draw_with_torch(spec: NetSpec, square: UInt8, window: Float32) -> Float32:
    """What the network itself draws, float32[S, S, 3] RGB in 0..1."""
    import torch

    from avatar_engine.lipsync.synctalk_2d.crop import build_picture, take_inner
    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet

    net = fill(UNet(spec))
    picture = torch.from_numpy(build_picture(take_inner(square), take_inner(square), spec))[None]
    with torch.no_grad():
        drawn = net(picture, torch.from_numpy(window).reshape(1, *spec.audio_shape))
    return drawn[0].numpy()[::-1].transpose(1, 2, 0)
