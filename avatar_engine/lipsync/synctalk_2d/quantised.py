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
FINE_PIECES = 4
"""A fine channel is held as so many pieces: each takes a part of the range and stays at its end outside it."""
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
    """A scale for each call, from peaks[i] float32[channels], the value of each channel that 127 shall stand for.

    `known` gives the scales of maps that enter, by name. Exact calls have no scale that matters.
    """
    groups = find_groups(tape)
    loudest: dict[int, Float32] = {}
    for number, group in enumerate(groups):
        loudest[group] = np.maximum(loudest.get(group, np.zeros(1, np.float32)), peaks[number])
    return [
        known[call.name] if call.kind == "enter" else build_scale(loudest[group], signed=not call.relu)
        for call, group in zip(tape.calls, groups, strict=True)
    ]


def build_scale(peak: Float32, *, signed: bool) -> Scale:
    """The scale of a map with these peaks, float32[channels]."""
    floor = max(float(peak.max()) * _QUIETEST, 1e-9)
    return Scale(np.maximum(peak, floor).astype(np.float32), signed)


def find_groups(tape: Tape) -> list[int]:
    """For each call the number of the first map that it shares factors with."""
    leader = list(range(len(tape.calls)))

    def find(x: int) -> int:
        while leader[x] != x:
            x = leader[x]
        return x

    for number, call in enumerate(tape.calls):
        if call.kind == "add" and not call.exact:
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


def split_outputs(kernel: Kernel, scale: Scale, fine: int) -> tuple[Kernel, Scale]:
    """The convolution that makes the pieces of its last `fine` outputs instead of them; all pieces add up to one.

    Each piece covers 255 steps of the range, from -128 to 127 around a centre of its own, which is taken off.
    """
    coarse = len(scale.factors) - fine
    widths = (scale.factors[coarse:] / FINE_PIECES).astype(np.float32)
    weight, bias, factors = [kernel.weight[:coarse]], [kernel.bias[:coarse]], [scale.factors[:coarse]]
    for piece in range(FINE_PIECES):
        centre = 255 * piece + 128 - 127.5 * FINE_PIECES
        weight.append(kernel.weight[coarse:])
        bias.append(kernel.bias[coarse:] - np.float32(centre * SIGNED_STEP) * widths)
        factors.append(widths)
    return Kernel(np.concatenate(weight), np.concatenate(bias)), Scale(np.concatenate(factors), scale.signed)


def join_inputs(kernel: Kernel, scale: Scale, fine: int) -> tuple[Kernel, Scale]:
    """The 1x1 convolution over a map whose last `fine` channels come in pieces, and the scale of that map.

    The pieces of a value add up to half a step less for each of them, since -128 has no counterpart.
    """
    coarse = len(scale.factors) - fine
    widths = scale.factors[coarse:] / np.float32(FINE_PIECES)
    short = kernel.weight[:, coarse:, 0, 0] @ widths * np.float32(SIGNED_STEP * FINE_PIECES / 2)
    weight = [kernel.weight[:, :coarse]] + [kernel.weight[:, coarse:]] * FINE_PIECES
    factors = [scale.factors[:coarse]] + [widths] * FINE_PIECES
    return Kernel(np.concatenate(weight, axis=1), kernel.bias + short), Scale(np.concatenate(factors), scale.signed)
