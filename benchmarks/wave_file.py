"""Writes a WAV file."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np


def write_wave(path: Path, sound: np.ndarray, rate_hz: int) -> None:
    """int16[n], mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(sound.astype("<i2").tobytes())
