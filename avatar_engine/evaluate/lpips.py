"""How different two pictures look to a network: LPIPS with VGG-16."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avatar_engine.errors import WeightsError
from avatar_engine.types import UInt8

if TYPE_CHECKING:
    from torch import Tensor

LEAST_SIDE_PX = 16
"""The fifth stage halves four times."""


class Lpips:
    """Holds the network; about 0.1 s per pair of 160 px pictures on one core. Not for several threads at once."""

    def __init__(self, weights: Path) -> None:
        """`weights`: safetensors with `features.<n>.*` of VGG-16 and `lpips.lin<k>.model.1.weight`.

        Raises `WeightsError`.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from avatar_engine.evaluate.nets.vgg16 import PerceptualDistance

        try:
            state = load_file(str(weights))
            self._net = PerceptualDistance()
            self._net.load_state_dict({_rename(name): tensor.float() for name, tensor in state.items()})
        except (OSError, SafetensorError, RuntimeError) as error:
            raise WeightsError(f"{weights.name} holds no LPIPS network: {error}") from error
        self._net.eval().requires_grad_(False)

    def measure(self, picture: UInt8, truth: UInt8) -> float:
        """Distance of uint8[h, w, 3] RGB from its truth of the same shape; 0 where they are equal.

        Raises ValueError on shapes that differ or a side below 16 pixels.
        """
        if picture.shape != truth.shape or min(picture.shape[:2]) < LEAST_SIDE_PX:
            raise ValueError(f"pictures of {picture.shape} and {truth.shape} cannot be compared")
        return float(self._net(_as_tensor(picture), _as_tensor(truth)))


def _rename(name: str) -> str:
    return name.removesuffix(".model.1.weight").replace("lpips.lin", "heads.")


def _as_tensor(picture: UInt8) -> Tensor:
    import torch

    planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / 255
    return torch.from_numpy(planes)[None]
