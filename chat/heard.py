"""From milliseconds heard to the words heard."""

from __future__ import annotations

import math
from collections.abc import Sequence

from avatar_engine.types import Mark

MS_PER_CHARACTER = 65
MS_PER_SPACELESS_CHARACTER = 210
SPACELESS = (("\u3040", "\u30ff"), ("\u3400", "\u9fff"), ("\uac00", "\ud7af"))


def build_heard(text: str, marks: Sequence[Mark], heard_ms: float, duration_ms: float) -> str:
    """The part of `text` whose words had ended after `heard_ms` of its `duration_ms` of sound.

    Word marks say it where the voice gives them; else the share of time does. The text as written may have other
    words than the text as spoken ("3" and "three"), so the share of words is what carries over.
    """
    if heard_ms <= 0 or not text:
        return ""
    words = [mark for mark in marks if mark.kind == "word"]
    if words:
        share = sum(1 for mark in words if mark.end_ms <= heard_ms) / len(words)
    else:
        share = min(1.0, heard_ms / duration_ms) if duration_ms > 0 else 0.0
    if share >= 1.0:
        return text
    pieces = list(text) if _is_spaceless(text) else text.split(" ")
    kept = pieces[: math.floor(share * len(pieces) + 1e-9)]
    return ("" if _is_spaceless(text) else " ").join(kept)


def estimate_ms(text: str) -> float:
    """How long `text` takes to say at a usual pace, for when a voice was stopped before it told."""
    return len(text) * (MS_PER_SPACELESS_CHARACTER if _is_spaceless(text) else MS_PER_CHARACTER)


def _is_spaceless(text: str) -> bool:
    """Whether most of `text` is in a script that puts no spaces between words."""
    letters = [c for c in text if c.isalpha()]
    spaceless = sum(1 for c in letters if any(low <= c <= high for low, high in SPACELESS))
    return bool(letters) and spaceless * 2 > len(letters)
