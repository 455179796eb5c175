"""How well the encoder's rows tell the mouth, on voices, sentences and people that were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avatar_engine.lipsync.drawn.shape import AXES, JAW
from avatar_engine.lipsync.synctalk_2d.encoder_training.corpus import Clip
from avatar_engine.lipsync.synctalk_2d.encoder_training.filmed import LIPS, OPENING, FilmedClip
from avatar_engine.lipsync.synctalk_2d.encoder_training.lessons import build_filmed_rows, build_said_rows
from avatar_engine.lipsync.synctalk_2d.encoder_training.targets import MIDDLE
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32

if TYPE_CHECKING:
    from avatar_engine.lipsync.synctalk_2d.encoder_training.nets.encoder import TaughtEncoder

LAG_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Agreement:
    """correlation: Pearson's, of told against true opening at no lag, over all frames of the clips.

    lag_ms: at which shift they agree best, by a parabola through the three best frames; positive: told too late.
    best: the correlation there. frames: how many were compared.
    """

    correlation: float
    lag_ms: float
    best: float
    frames: int


def compare(told: Sequence[Float32], true: Sequence[Float32]) -> Agreement:
    """Two openings of the same clips, each float32[frames]."""
    curve = np.array([_correlate(told, true, shift) for shift in range(-LAG_FRAMES, LAG_FRAMES + 1)])
    top = int(np.argmax(curve))
    inner = min(max(top, 1), len(curve) - 2)
    before, here, after = curve[inner - 1 : inner + 2]
    bend = before - 2 * here + after
    offset = 0.0 if top != inner or bend >= 0 else float(0.5 * (before - after) / bend)
    lag_ms = (top - LAG_FRAMES + offset) * FRAME_MS
    return Agreement(float(curve[LAG_FRAMES]), lag_ms, float(curve[top]), sum(len(part) for part in true))


def _correlate(told: Sequence[Float32], true: Sequence[Float32], shift: int) -> float:
    """Told at frame f + shift against true at f."""
    late, early = max(shift, 0), max(-shift, 0)
    first = np.concatenate([part[late : len(part) - early] for part in told])
    second = np.concatenate([part[early : len(part) - late] for part in true])
    return float(np.corrcoef(first, second)[0, 1])


def check_said(net: TaughtEncoder, clips: Sequence[Clip]) -> Agreement:
    """The jaw that the rows tell against the jaw that the marks want."""
    told, true = [], []
    for clip in clips:
        rows = build_said_rows(clip, None)
        told.append(_ask(net, rows.columns, "shape")[:, MIDDLE * AXES + JAW])
        true.append(rows.shapes[:, MIDDLE * AXES + JAW])
    return compare(told, true)


def check_filmed(net: TaughtEncoder, clips: Sequence[FilmedClip], head: str) -> Agreement:
    """The opening that a head ("lips", or the jaw of "shape") tells against the lips that were filmed."""
    told, true = [], []
    column = MIDDLE * LIPS + OPENING if head == "lips" else MIDDLE * AXES + JAW
    for clip in clips:
        rows = build_filmed_rows(clip, None)
        told.append(_ask(net, rows.columns, head)[:, column])
        true.append(rows.lips[:, MIDDLE * LIPS + OPENING])
    return compare(told, true)


def _ask(net: TaughtEncoder, columns: Float32, head: str) -> Float32:
    import torch

    with torch.inference_mode():
        told: Float32 = net(torch.from_numpy(columns))[head].numpy()
    return told
