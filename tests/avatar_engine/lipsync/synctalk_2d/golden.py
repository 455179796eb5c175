"""Deterministic weights and inputs, and the values that the original networks give for them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor, nn

TOLERANCE = 1e-4


def build_input(shape: tuple[int, ...], frequency: float) -> Tensor:
    """sin(frequency * j ** 1.1) for j = 1, 2, ... in row-major order, float32."""
    import torch

    j = np.arange(1, int(np.prod(shape)) + 1, dtype=np.float64)
    return torch.from_numpy(np.sin(frequency * j**1.1).reshape(shape).astype(np.float32))


def build_picture(shape: tuple[int, ...], frequency: float) -> Tensor:
    """The same in 0..1."""
    return 0.5 + 0.5 * build_input(shape, frequency)


def build_value(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The golden fill of one floating-point entry of a state."""
    j = np.arange(1, int(np.prod(shape)) + 1, dtype=np.float64)
    wave = np.sin(0.37 * j**1.5 + 0.001 * (zlib.crc32(name.encode()) % 1000003)).reshape(shape)
    if name.endswith("running_var"):
        return 1 + 0.5 * np.abs(wave)
    if name.endswith(("running_mean", "bias")):
        return 0.1 * wave
    if len(shape) > 1:
        return wave * np.sqrt(2 / np.prod(shape[1:]))
    return 1 + 0.1 * wave


def fill(net: nn.Module, rename: Callable[[str], str] = str) -> nn.Module:
    """Give `net` the golden weights, in place, and put it into eval mode.

    The values depend on the names; `rename` says what an entry was called in the original.
    """
    import torch

    state = {
        name: torch.from_numpy(build_value(rename(name), tuple(tensor.shape))).float()
        if tensor.is_floating_point()
        else torch.zeros_like(tensor)
        for name, tensor in net.state_dict().items()
    }
    net.load_state_dict(state)
    return net.eval()


def sample(values: Tensor) -> list[float]:
    """Mean, standard deviation and the values at flat places 0, n//7, n//3, n//2, 5n//6, n-1."""
    flat = values.detach().double().flatten()
    n = flat.numel()
    places = [0, n // 7, n // 3, n // 2, 5 * n // 6, n - 1]
    return [float(flat.mean()), float(flat.std(unbiased=False)), *(float(flat[place]) for place in places)]
