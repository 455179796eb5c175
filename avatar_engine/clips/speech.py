"""Where in a whole recording somebody speaks."""

from __future__ import annotations

import numpy as np

from avatar_engine.timing import SAMPLES_PER_FRAME
from avatar_engine.types import Bool, Int16

SILENT_DB = -50.0
"""Frames below this, in decibels of full scale, are silent."""
HANGOVER_FRAMES = 5
"""The mouth starts and stops this much around what is heard; pauses up to twice as long are part of the speech."""


def cut_frames(pcm: Int16) -> Int16:
    """int16[n] mono 48 kHz as int16[frames, 1920], the last frame filled up with silence."""
    missing = -len(pcm) % SAMPLES_PER_FRAME
    return np.pad(pcm, (0, missing)).reshape(-1, SAMPLES_PER_FRAME)


def find_speech(pcm: Int16) -> Bool:
    """bool[frames]: whether the presenter speaks in each 40 ms of int16[n] mono 48 kHz."""
    frames = cut_frames(pcm)
    if not len(frames):
        return np.zeros(0, np.bool_)
    power = np.mean(np.square(frames.astype(np.float64) / 32768), axis=1)
    loud = power > 10 ** (SILENT_DB / 10)
    around = np.convolve(loud, np.ones(2 * HANGOVER_FRAMES + 1))[HANGOVER_FRAMES : HANGOVER_FRAMES + len(frames)]
    return np.asarray(around > 0.5, np.bool_)
