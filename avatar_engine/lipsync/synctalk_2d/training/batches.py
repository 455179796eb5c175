"""Samples on their way into a network: gathered as bytes, turned into numbers on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.training.dataset import SampleOrder, TrainingSet
from avatar_engine.types import Float32, Int32, UInt8

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """picture float[B, 6, S, S] and target float[B, 3, S, S], BGR in 0..1, channels last; audio float[B, 32, 16, 16];
    mouths int64[B, 4]: x0, y0, x1, y1, ends exclusive."""

    picture: Tensor
    target: Tensor
    audio: Tensor
    mouths: Tensor


class Feeder:
    """Gives the batch of a step. The same step always gets the same samples, references and false windows."""

    def __init__(self, data: TrainingSet, spec: NetSpec, seed: int, device: str) -> None:
        self._data = data
        self._spec = spec
        self._device = device
        self._order = SampleOrder(data.split.train, seed)

    def take(self, start: int, count: int) -> Batch:
        """`count` samples after the first `start` of the training's endless row."""
        return self.gather(self._order.take(start, count), self._order.draw(start))

    def take_pairs(self, start: int, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Faces float[B, 3, S, S], the sound that belongs to each and sound that does not, float[B, 32, 16, 16]."""
        return self.gather_pairs(self._order.take(start, count), self._order.draw(start))

    def gather(self, samples: Int32, rng: np.random.Generator) -> Batch:
        import torch

        target = self._to_picture(self._data.targets(samples))
        reference = self._to_picture(self._data.references(samples, rng))
        x0, y0, x1, y1 = self._spec.mask_box
        picture = torch.cat([reference, target], dim=1).contiguous(memory_format=torch.channels_last)
        picture[:, 3:, y0:y1, x0:x1] = 0
        mouths = torch.from_numpy(self._data.mouths(samples)).to(self._device, torch.int64)
        return Batch(picture, target, self._to_audio(self._data.windows(samples)), mouths)

    def gather_pairs(self, samples: Int32, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        return (
            self._to_picture(self._data.targets(samples)),
            self._to_audio(self._data.windows(samples)),
            self._to_audio(self._data.false_windows(samples, rng)),
        )

    def _to_picture(self, pixels: UInt8) -> Tensor:
        import torch

        moved = torch.from_numpy(pixels).to(self._device, non_blocking=True)
        return moved.permute(0, 3, 1, 2).to(torch.float32).mul_(1 / 255)

    def _to_audio(self, windows: Float32) -> Tensor:
        import torch

        moved = torch.from_numpy(windows).to(self._device, non_blocking=True)
        return moved.reshape(len(windows), *self._spec.audio_shape)
