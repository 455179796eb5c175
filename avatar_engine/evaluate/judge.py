"""Networks that were trained to see who is speaking, asked whether this face speaks this sound, and how late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avatar_engine.errors import WeightsError
from avatar_engine.evaluate.mfcc import build_mfcc
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Int16, UInt8

JUDGES: dict[str, str] = {
    "light_asd": "avatar_engine.evaluate.nets.light_asd:LightAsd",
    "lr_asd": "avatar_engine.evaluate.nets.lr_asd:LrAsd",
}
ROWS_PER_FRAME = 4
MAX_SHIFT_FRAMES = 12
LEAST_FRAMES = 2 * MAX_SHIFT_FRAMES


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge thinks of a face with its sound.

    score:      mean logit of "speaking" with the sound as it is; above 0 the face is taken for the speaker.
    best:       the same with the sound shifted to where it fits best. lag_ms: that shift; plus: the lips are late.
    confidence: `best` over the median of all shifts. Where it is small, the lag says nothing.
    """

    score: float
    best: float
    lag_ms: float
    confidence: float


class Judge:
    """Holds one network. Not for several threads at once."""

    def __init__(self, name: str, weights: Path) -> None:
        """`name` is a key of JUDGES, `weights` its state dictionary. Raises KeyError or `WeightsError`."""
        import pickle

        import torch

        module, attribute = JUDGES[name].split(":")
        self.name = name
        self._net = getattr(import_module(module), attribute)()
        try:
            self._net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
            raise WeightsError(f"{weights.name} holds no {name}: {error}") from error
        self._net.eval().requires_grad_(False)

    def judge(self, takes: Sequence[tuple[UInt8, Int16]], max_shift_frames: int = MAX_SHIFT_FRAMES) -> Verdict | None:
        """Judge takes of (faces uint8[frames, 112, 112], sound int16[n] mono 16 kHz that begins with the first face).

        Every take gives the same frames to every shift: those whose sound is known for all of them. None where no
        take has LEAST_FRAMES frames. The lag is only relative: it moves with the sound, but where its zero lies
        depends on the speaker and on how the judge was trained.
        """
        totals = np.zeros(2 * max_shift_frames + 1)
        frames = 0
        for faces, sound in takes:
            scores = self._score(faces, sound, max_shift_frames)
            if scores is not None:
                totals += scores.sum(axis=1)
                frames += scores.shape[1]
        if not frames:
            return None
        return build_verdict(totals / frames, max_shift_frames)

    def _score(self, faces: UInt8, sound: Int16, reach: int) -> npt.NDArray[np.float64] | None:
        """Logits of every inner frame for every shift of the sound, float64[2 * reach + 1, frames - 2 * reach]."""
        import torch

        cepstra = build_mfcc(sound)
        count = min(faces.shape[0], cepstra.shape[0] // ROWS_PER_FRAME)
        if count < max(LEAST_FRAMES, 2 * reach + 1):
            return None
        inner = count - 2 * reach
        seen = self._net.encode_faces(torch.from_numpy(faces[None, :count].astype(np.float32)))
        heard = self._net.encode_sound(torch.from_numpy(cepstra[None, : count * ROWS_PER_FRAME]))
        seen = seen[:, reach : reach + inner]
        # Lips that are late by `shift` frames belong to sound that began `shift` frames earlier.
        logits = [
            self._net.judge(seen, heard[:, reach - shift : reach - shift + inner]) for shift in range(-reach, reach + 1)
        ]
        return np.asarray(torch.cat(logits)[:, :, 1].numpy(), np.float64)


def build_verdict(scores: npt.NDArray[np.float64], reach: int) -> Verdict:
    """From mean scores float64[2 * reach + 1] of shifts -reach..reach frames; the lag is refined by a parabola."""
    best = int(np.argmax(scores))
    offset = 0.0
    if 0 < best < scores.size - 1:
        before, top, after = scores[best - 1 : best + 2]
        bend = before - 2 * top + after
        offset = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return Verdict(
        score=float(scores[reach]),
        best=float(scores[best]),
        lag_ms=float((best - reach + offset) * FRAME_MS),
        confidence=float(scores[best] - np.median(scores)),
    )
