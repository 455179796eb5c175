"""Whole numbers for a network: how each map of a tape is scaled to eight bits.

Every channel is first divided by its own peak, so that one step size fits all channels of a map. Convolutions take the
factors up in their weights, which have a step size per output, so this costs no accuracy and no time. Maps that are
added share their factors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.synctalk_2d.folded import Kernel
from avatar_engine.lipsync.synctalk_2d.tape import Tape
from avatar_engine.types import Float32

SIGNED_STEP = 1 / 127
UNSIGNED_STEP = 1 / 255
_QUIETEST = 1e-3
"""A channel counts as at least this loud beside the loudest of its map."""
_LARGEST_BIAS = float(1 << 30)


@dataclass(frozen=True, slots=True)
class Scale:
    """How a map is held in int8: value = factors[channel] * step * (q - zero).

    Where nothing is below zero, -128 stands for 0 and 127 for the peak; else -127..127 for minus the peak to the peak.
    """

    factors: Float32
    signed: bool

    @property
    def step(self) -> float:
        return SIGNED_STEP if self.signed else UNSIGNED_STEP

    @property
    def zero(self) -> int:
        return 0 if self.signed else -128

    def to_int8(self, values: Float32) -> npt.NDArray[np.int8]:
        """float32[..., channels] -> int8 of the same shape."""
        whole = np.clip(np.rint(values / (self.factors * self.step)) + self.zero, -128, 127)
        return np.asarray(whole, np.int8)


@dataclass(frozen=True, slots=True)
class Int8Kernel:
    """A convolution of int8 maps: weight as in `Kernel`, its step per output, bias in units of both steps."""

    weight: npt.NDArray[np.int8]
    steps: Float32
    bias: npt.NDArray[np.int32]


def build_scales(tape: Tape, peaks: Sequence[Float32], known: Mapping[str, Scale]) -> list[Scale]:
    """A scale for each call, from peaks[i] float32[channels], the largest absolute value of each channel of call i.

    `known` gives the scales of maps that enter, by name.
    """
    groups = _find_groups(tape)
    loudest: dict[int, Float32] = {}
    for number, group in enumerate(groups):
        loudest[group] = np.maximum(loudest.get(group, np.zeros(1, np.float32)), peaks[number])
    scales = []
    for call, group in zip(tape.calls, groups, strict=True):
        if call.kind == "enter":
            scales.append(known[call.name])
            continue
        peak = loudest[group]
        floor = max(float(peak.max()) * _QUIETEST, 1e-9)
        scales.append(Scale(np.maximum(peak, floor).astype(np.float32), signed=not call.relu))
    return scales


def _find_groups(tape: Tape) -> list[int]:
    """For each call the number of the first map that it shares factors with."""
    leader = list(range(len(tape.calls)))

    def find(x: int) -> int:
        while leader[x] != x:
            x = leader[x]
        return x

    for number, call in enumerate(tape.calls):
        if call.kind == "add":
            first, *rest = sorted({find(number), *map(find, call.inputs)})
            for other in rest:
                leader[other] = first
    return [find(x) for x in range(len(tape.calls))]


def quantise(kernel: Kernel, heard: Float32, made: Float32, step: float, *, depthwise: bool) -> Int8Kernel:
    """`kernel` between a map with factors `heard` float32[inputs] and step `step` and one with factors `made`."""
    over = heard[:, None] if depthwise else heard[None, :]
    weight = kernel.weight.astype(np.float64) * over[:, :, None, None] / made[:, None, None, None]
    bias = kernel.bias.astype(np.float64) / made
    steps = np.abs(weight).max(axis=(1, 2, 3)) / 127
    steps = np.maximum(np.maximum(steps, np.abs(bias) / (step * _LARGEST_BIAS)), 1e-9)
    return Int8Kernel(
        np.rint(weight / steps[:, None, None, None]).astype(np.int8),
        steps.astype(np.float32),
        np.rint(bias / (steps * step)).astype(np.int32),
    )
