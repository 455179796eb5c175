"""The audio encoder with weights made by a formula, for which the original network's output is known."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from avatar_engine.features.ave_net import LAYERS, PREFIX

WIDTHS = (1, 32, 32, 32, 64, 64, 64, 128, 128, 128, 256, 256, 512, 512)


def fill(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Deterministic weights that look random, scaled as an initialisation would be."""
    step = np.arange(1, int(np.prod(shape)) + 1, dtype=np.float64)
    value = np.sin(0.37 * step**1.5 + 0.001 * (zlib.crc32(name.encode()) % 1000003)).reshape(shape)
    if name.endswith("running_var"):
        value = 1 + 0.5 * np.abs(value)
    elif name.endswith(("running_mean", "bias")):
        value = 0.1 * value
    elif value.ndim > 1:
        value = value * np.sqrt(2 / np.prod(shape[1:]))
    else:
        value = 1 + 0.1 * value
    return value.astype(np.float32)


def build_state() -> dict[str, npt.NDArray[np.float32]]:
    """All floating tensors of the published encoder under their names in the whole network."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number in range(len(LAYERS)):
        inputs, outputs = WIDTHS[number], WIDTHS[number + 1]
        side = 1 if number == len(LAYERS) - 1 else 3
        block = f"{PREFIX}{number}.conv_block."
        shapes[f"{block}0.weight"] = (outputs, inputs, side, side)
        for part in ("0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"):
            shapes[block + part] = (outputs,)
    return {name: fill(name, shape) for name, shape in shapes.items()}


def build_input() -> npt.NDArray[np.float32]:
    """float32[2, 80, 16] in -4..4."""
    step = np.arange(1, 2 * 80 * 16 + 1, dtype=np.float64)
    return (4 * np.sin(0.011 * step**1.1)).reshape(2, 80, 16).astype(np.float32)
