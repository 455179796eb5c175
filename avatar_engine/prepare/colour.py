"""Decoded frames as 8-bit RGB, whatever their matrix, range, depth and light."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from avatar_engine.prepare.probe import Light
from avatar_engine.types import Float32, UInt8

_UNSPECIFIED = 2
_BT601, _BT709 = 5, 1
_HD_HEIGHT_PX = 720
_WHITE_NITS = 203.0
"""Diffuse white of HDR, ITU-R BT.2408."""
_KNEE = 0.8

_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
"""Linear BT.2020 RGB to linear BT.709 RGB, ITU-R BT.2087."""


class ColourReader:
    """Holds the tables for one source."""

    def __init__(self, light: Light) -> None:
        self._linear = _build_linear(light) if light != "sdr" else None
        self._display = _build_display()

    def read(self, frame: Any) -> UInt8:
        """uint8[h, w, 3] RGB of a PyAV frame, as stored: not turned."""
        matrix = int(frame.colorspace)
        if matrix in (0, _UNSPECIFIED):  # what players assume
            matrix = _BT709 if frame.height >= _HD_HEIGHT_PX else _BT601
        wide = self._linear is not None
        turned = frame.reformat(
            format="rgb48le" if wide else "rgb24",
            src_colorspace=matrix,
            src_color_range=int(frame.color_range) or 1,
            dst_color_range=2,
        )
        if self._linear is None:
            return np.asarray(turned.to_ndarray(), np.uint8)
        return self._to_sdr(turned.to_ndarray())

    def _to_sdr(self, coded: npt.NDArray[np.uint16]) -> UInt8:
        """Linear light, the narrower primaries, a soft shoulder for what is brighter than white, sRGB."""
        assert self._linear is not None
        light = np.maximum(self._linear[coded] @ _TO_BT709.T, 0)
        peak = light.max(axis=-1, keepdims=True)
        over = np.maximum(peak - _KNEE, 0) / (1 - _KNEE)
        squeezed = np.where(peak > _KNEE, _KNEE + (1 - _KNEE) * over / (1 + over), peak)
        light *= squeezed / np.maximum(peak, 1e-6)
        return np.asarray(self._display[np.minimum(light * 4095 + 0.5, 4095).astype(np.int32)], np.uint8)


def _build_linear(light: Light) -> Float32:
    """float32[65536]: coded value to linear light, 1 = diffuse white. ITU-R BT.2100 tables 4 and 5."""
    coded = np.arange(65536) / 65535
    if light == "pq":
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        power = coded ** (1 / m2)
        return np.asarray(
            10_000 / _WHITE_NITS * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1), np.float32
        )
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
    return np.asarray(1000 / _WHITE_NITS * scene**1.2, np.float32)  # a display of 1000 nits


def _build_display() -> UInt8:
    """uint8[4096]: linear light in 0..1 to sRGB, IEC 61966-2-1."""
    light = np.arange(4096) / 4095
    return np.round(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )
