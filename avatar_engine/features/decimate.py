"""48 kHz to 16 kHz, with state, the same to the bit in any chunking."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Float32, Int16

FACTOR = 3
OUTPUT_RATE_HZ = SAMPLE_RATE_HZ // FACTOR
HALF_TAPS = 48
CUTOFF_HZ = 7_400
KAISER_BETA = 8.0
_UNIT = 1 << 15


def build_taps() -> npt.NDArray[np.float64]:
    """A Kaiser-windowed low pass of 2 * HALF_TAPS + 1 taps: whole numbers whose sum is 2**15 (unit gain)."""
    steps = np.arange(-HALF_TAPS, HALF_TAPS + 1)
    ratio = 2 * CUTOFF_HZ / SAMPLE_RATE_HZ
    taps: npt.NDArray[np.float64] = np.round(
        _UNIT * ratio * np.sinc(ratio * steps) * np.kaiser(steps.size, KAISER_BETA)
    )
    taps[HALF_TAPS] += _UNIT - taps.sum()
    return taps


class Decimator:
    """A linear-phase FIR without delay: output n is centred on input 3n, sound before the first sample is silence.

    Taps and samples are whole numbers and every sum stays below 2**53, so float64 arithmetic is exact and the
    output does not depend on how the input was cut.
    """

    def __init__(self) -> None:
        self._taps = build_taps()
        self._held = np.zeros(HALF_TAPS, np.int16)

    def push(self, pcm: Int16, *, last: bool = False) -> Float32:
        """Take int16[n] at 48 kHz, give float32[m] in -1..1 at 16 kHz: all outputs whose context is in.

        With `last` the missing context is silence; in the whole run ceil(n / 3) samples come out.
        """
        tail = np.zeros(HALF_TAPS if last else 0, np.int16)
        held = np.concatenate([self._held, pcm, tail])
        count = max(0, (held.size - self._taps.size) // FACTOR + 1)
        self._held = held[count * FACTOR :]
        if count == 0:
            return np.empty(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(held, self._taps.size)[::FACTOR][:count]
        return (windows.astype(np.float64) @ self._taps / (_UNIT * 32768.0)).astype(np.float32)
