"""What an avatar must reach before it may go on air. Every number of the gate stands here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from avatar_engine.evaluate.result import Evaluation

LEAST_CROP_PSNR_DB = 24.0
"""The same person's face from another moment, laid over with its eyes in place, gets 22 dB on the GRID corpus."""
MOST_CROP_LPIPS = 0.30
MOST_LMD_SHARE = 0.03
"""Lip points off by 3 % of the face square: about one lip's half thickness."""
LEAST_CORRELATION = 0.50
LATEST_LIPS_MS = 45.0
EARLIEST_LIPS_MS = -80.0
"""ITU-R BT.1359 puts what viewers notice at 45 ms (lips late) and 125 ms (lips early); players want a part of it."""

TRUTH_VIDEO, TRUTH_MARKS, TRUTH_NONE = "video", "marks", "nothing"
"""Where the true mouth was taken from: held-out frames of its own video, phoneme marks of a voice, nowhere."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One demand that was not met. `code` is a key of the strings files below `gate.`; numbers are for its text."""

    code: str
    value: float | None = None
    limit: float | None = None


def check_evaluation(found: Evaluation | None, network_sha256: str) -> tuple[Shortfall, ...]:
    """What keeps an avatar whose networks hash to `network_sha256` off the air; empty where it passes.

    Pictures are asked for only where the avatar was trained on a video of its own, mouths always. A figure that is
    asked for and was not measured is a shortfall; LPIPS, whose weights are not everybody's, is only held against an
    avatar that has it.
    """
    if found is None:
        return (Shortfall("not_evaluated"),)
    if not network_sha256 or found.network_sha256 != network_sha256:
        return (Shortfall("changed_since"),)
    short = [_check_least("correlation", found.opening_correlation, LEAST_CORRELATION), *_check_lag(found)]
    if found.truth == TRUTH_VIDEO:
        short.append(_check_least("psnr", found.crop_psnr_db, LEAST_CROP_PSNR_DB))
        short.append(_check_most("lmd", found.lmd_share, MOST_LMD_SHARE))
        if found.crop_lpips is not None:
            short.append(_check_most("lpips", found.crop_lpips, MOST_CROP_LPIPS))
    return tuple(item for item in short if item is not None)


def _check_least(code: str, value: float | None, limit: float) -> Shortfall | None:
    if value is None:
        return Shortfall(f"{code}_unknown")
    return Shortfall(code, value, limit) if value < limit else None


def _check_most(code: str, value: float | None, limit: float) -> Shortfall | None:
    if value is None:
        return Shortfall(f"{code}_unknown")
    return Shortfall(code, value, limit) if value > limit else None


def _check_lag(found: Evaluation) -> tuple[Shortfall, ...]:
    lag = found.opening_lag_ms
    if lag is None:
        return ()  # then there is no correlation either, which is said already
    if lag > LATEST_LIPS_MS:
        return (Shortfall("late", lag, LATEST_LIPS_MS),)
    if lag < EARLIEST_LIPS_MS:
        return (Shortfall("early", -lag, -EARLIEST_LIPS_MS),)
    return ()
