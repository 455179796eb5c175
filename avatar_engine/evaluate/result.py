"""The figures of one avatar, as they lie in its folder and as a table for a terminal."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from avatar_engine.errors import EvaluationError

RESULT_FILE = "evaluation.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured. A figure that could not be measured is None, and `absent` says why.

    Pictures, drawn for held-out frames with a reference from the frames trained on, against the true frames:
        crop_psnr_db, crop_ssim, crop_lpips: of the square that the network sees; frame_psnr_db: of the whole frame.
        lmd_px: mean distance of centred lip points, pixels of the frame; lmd_share: the same over the square's side.
        paste_psnr_db: what another of the presenter's mouths, pasted where this one is, gets in `crop_psnr_db`.
    On air, through engine, session and paste, driven by sound whose true mouth is known (`truth`):
        opening_correlation, opening_lag_ms: opening of the drawn mouth against the true one; plus: lips are late.
        judges: name -> score, lag_ms, confidence of a network that sees who is speaking.
        fps: frames drawn per second on this machine, without encoding; load: the machine's load meanwhile.
    """

    avatar: str
    made_at: str
    network_sha256: str
    truth: str
    frames: int
    crop_psnr_db: float | None = None
    frame_psnr_db: float | None = None
    paste_psnr_db: float | None = None
    crop_ssim: float | None = None
    crop_lpips: float | None = None
    lmd_px: float | None = None
    lmd_share: float | None = None
    opening_correlation: float | None = None
    opening_lag_ms: float | None = None
    judges: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    fps: float | None = None
    load: float | None = None
    absent: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **{item.name: getattr(self, item.name) for item in fields(self)}}

    @classmethod
    def from_json(cls, body: object) -> Evaluation:
        """The inverse of `to_json`. Raises `EvaluationError` that says what is wrong."""
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise EvaluationError(f"{RESULT_FILE} is not of format {FORMAT}")
        try:
            found = cls(**{name: value for name, value in body.items() if name != "format"})
        except TypeError as error:
            raise EvaluationError(f"{RESULT_FILE} cannot be read: {error}") from error
        for item in fields(cls):
            value = getattr(found, item.name)
            if "float" in str(item.type) and not (value is None or isinstance(value, dict) or _is_number(value)):
                raise EvaluationError(f"{RESULT_FILE} cannot be read: {item.name} is {value!r}")
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def save_evaluation(found: Evaluation, folder: Path) -> None:
    """Write `evaluation.json`, at once or not at all."""
    path = folder / RESULT_FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(fresh, path)


def load_evaluation(folder: Path) -> Evaluation | None:
    """What lies in an avatar folder, or None where it was never evaluated. Raises `EvaluationError` for damage."""
    try:
        text = (folder / RESULT_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{RESULT_FILE} cannot be read: {error}") from error
    try:
        return Evaluation.from_json(json.loads(text))
    except ValueError as error:
        raise EvaluationError(f"{RESULT_FILE} is damaged: {error}") from error


_ROWS = (
    ("crop_psnr_db", "dB", "PSNR of the face square"),
    ("paste_psnr_db", "dB", "the same for another of these mouths, pasted"),
    ("frame_psnr_db", "dB", "PSNR of the whole frame"),
    ("crop_ssim", "", "SSIM of the face square"),
    ("crop_lpips", "", "LPIPS (VGG-16) of the face square"),
    ("lmd_px", "px", "distance of lip points, centred"),
    ("lmd_share", "", "the same over the side of the square"),
    ("opening_correlation", "", "opening of the drawn mouth against the true one"),
    ("opening_lag_ms", "ms", "by which the lips come late"),
    ("fps", "1/s", "frames drawn per second"),
)


def format_table(found: Evaluation) -> str:
    """The figures as lines of a terminal."""
    lines = [f"{found.avatar}: {found.frames} held-out frames, truth from {found.truth}"]
    for name, unit, meaning in _ROWS:
        value = getattr(found, name)
        shown = f"{value:9.3f} {unit:<3}" if value is not None else f"{'n/a':>9}    "
        lines.append(f"  {name:<20} {shown}  {meaning}{_why(found, name)}")
    for name, verdict in found.judges.items():
        text = ", ".join(f"{key} {value:.2f}" for key, value in verdict.items())
        lines.append(f"  {name:<20} {text}")
    lines += [f"  {name:<20} {'n/a':>9}      {why}" for name, why in found.absent.items() if not hasattr(found, name)]
    return "\n".join(lines)


def _why(found: Evaluation, name: str) -> str:
    return f" ({found.absent[name]})" if name in found.absent else ""
