"""The picture network for inference: plain numpy kernels, batch norms folded into the convolutions before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32

NORM_EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Kernel:
    """One convolution: weight float32[outputs, inputs / groups, k, k], bias float32[outputs].

    Depthwise where one input belongs to each output and there are several.
    """

    weight: Float32
    bias: Float32

    @property
    def outputs(self) -> int:
        return int(self.weight.shape[0])

    @property
    def size(self) -> int:
        return int(self.weight.shape[2])

    def split(self, first: int) -> tuple[Kernel, Kernel]:
        """Two kernels whose outputs add up to this one's: over the first inputs, and over the rest with the bias."""
        nothing = np.zeros_like(self.bias)
        return Kernel(self.weight[:, :first], nothing), Kernel(self.weight[:, first:], self.bias)

    def after(self, before: Kernel) -> Kernel:
        """This 1x1 convolution after another one, as a single one."""
        mine = self.weight[:, :, 0, 0].astype(np.float64)
        weight = mine @ before.weight[:, :, 0, 0].astype(np.float64)
        bias = mine @ before.bias.astype(np.float64) + self.bias
        return Kernel(weight[:, :, None, None].astype(np.float32), bias.astype(np.float32))

    def beside(self, other: Kernel) -> Kernel:
        """One convolution with the outputs of both."""
        return Kernel(np.concatenate([self.weight, other.weight]), np.concatenate([self.bias, other.bias]))

    def widen(self, before: int, after: int) -> Kernel:
        """The same over a map with more channels at either end, which it does not look at."""
        return Kernel(np.pad(self.weight, ((0, 0), (before, after), (0, 0), (0, 0))), self.bias)


class Block(NamedTuple):
    """An inverted residual: to twice the channels (ReLU), depthwise (ReLU), back (linear)."""

    expand: Kernel
    depth: Kernel
    project: Kernel


class FoldedNet:
    """Kernels of one picture network by the names of its state."""

    def __init__(self, spec: NetSpec, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Raises `CheckpointError` where an entry is missing, has another size than `spec` wants, or is not finite."""
        self.spec = spec
        self._state = state

    def block(self, prefix: str, inputs: int, outputs: int) -> Block:
        hidden = 2 * inputs
        return Block(
            self.row(f"{prefix}.conv.0", f"{prefix}.conv.1", (hidden, inputs, 1, 1)),
            self.row(f"{prefix}.conv.3", f"{prefix}.conv.4", (hidden, 1, 3, 3)),
            self.row(f"{prefix}.conv.6", f"{prefix}.conv.7", (outputs, hidden, 1, 1)),
        )

    def row(self, conv: str, norm: str, shape: tuple[int, int, int, int]) -> Kernel:
        """A convolution of this shape and the batch norm after it as one kernel."""
        weight = self._take(f"{conv}.weight", shape)
        bias = self._take(f"{conv}.bias", shape[:1]) if f"{conv}.bias" in self._state else np.zeros(shape[0])
        mean, variance = self._take(f"{norm}.running_mean", shape[:1]), self._take(f"{norm}.running_var", shape[:1])
        if (variance < 0).any():
            raise CheckpointError(f"{norm}.running_var is a variance and has negative values")
        gain = self._take(f"{norm}.weight", shape[:1]) / np.sqrt(variance + NORM_EPSILON)
        moved = (bias - mean) * gain + self._take(f"{norm}.bias", shape[:1])
        return Kernel((weight * gain[:, None, None, None]).astype(np.float32), moved.astype(np.float32))

    def plain(self, conv: str, shape: tuple[int, int, int, int]) -> Kernel:
        """A convolution with a bias and no batch norm."""
        weight, bias = self._take(f"{conv}.weight", shape), self._take(f"{conv}.bias", shape[:1])
        return Kernel(weight.astype(np.float32), bias.astype(np.float32))

    def _take(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        if name not in self._state:
            raise CheckpointError(f"these weights are of another network: missing: {name}")
        values = self._state[name]
        if values.shape != shape:
            raise CheckpointError(f"these weights have other sizes: {name} is {values.shape} instead of {shape}")
        if not np.isfinite(values).all():
            raise CheckpointError(f"{name} has values that are not finite")
        return values.astype(np.float64)


def load_folded(path: Path, spec: NetSpec) -> FoldedNet:
    """The network in a safetensors file, without torch. Raises `CheckpointError` for a file that is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return FoldedNet(spec, load_file(path))
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no weight file {path.name}") from error
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path.name} cannot be read as safetensors: {error}") from error
