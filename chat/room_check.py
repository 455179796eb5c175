"""What a room must be so that stage, render and encoder can put it on air; forms and the admin ask before they save."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from avatar_engine.errors import FootlightError
from avatar_engine.lipsync.registry import ENGINES
from avatar_engine.voice.config import check_voices

MOST_IDLE_LINE = 300
"""Characters, as a greeting may have."""


def find_faults(columns: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, by column; columns that are not given are not looked at. The texts are for the operator."""
    faults = {}
    for name, check in _CHECKS.items():
        if name in columns:
            try:
                check(columns[name])
            except (FootlightError, ValueError) as error:
                faults[name] = str(error)
    return faults


def _check_even(pixels: Any) -> None:
    """H.264 halves the colours in both directions."""
    if isinstance(pixels, int) and pixels % 2:
        raise ValueError("must be an even number of pixels")


def _check_engine(name: Any) -> None:
    if name not in ENGINES:
        raise ValueError(f"there is no engine {name!r}; there are {', '.join(sorted(ENGINES))}")


def _check_llm(endpoints: Any) -> None:
    # Here and not above: it brings the client of language models, which pages have no other use for.
    from chat.llm.registry import check_endpoints

    check_endpoints(endpoints)


def _check_idle_lines(lines: Any) -> None:
    if not isinstance(lines, list) or not all(isinstance(line, str) and line.strip() for line in lines):
        raise ValueError("must be a list of texts")
    if any(len(line) > MOST_IDLE_LINE for line in lines):
        raise ValueError(f"a line has at most {MOST_IDLE_LINE} characters")


_CHECKS: Mapping[str, Callable[[Any], object]] = {
    "width": _check_even,
    "height": _check_even,
    "engine": _check_engine,
    "voices": check_voices,
    "llm": _check_llm,
    "idle_lines": _check_idle_lines,
}
