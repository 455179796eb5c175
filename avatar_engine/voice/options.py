"""The one table of what each voice lets a room choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from avatar_engine.errors import VoiceConfigError

Check = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name, what it is when a room does not say, and what may stand there."""

    name: str
    default: Any
    allow: Check

    def check(self, value: Any) -> Any:
        """The value as voices read it. Raises `VoiceConfigError`, which begins with the option's name."""
        try:
            return self.allow(value)
        except ValueError as error:
            raise VoiceConfigError(f"{self.name} {error}") from error


def one_of(*choices: str) -> Check:
    """One of these texts."""

    def allow(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return allow


def _table(*options: Option) -> Mapping[str, Option]:
    return MappingProxyType({option.name: option for option in options})


OPTIONS: Mapping[str, Mapping[str, Option]] = MappingProxyType(
    {
        "hibari": _table(),
        "kokoro": _table(
            Option("en", "af_heart", one_of("af_heart", "am_michael")),
            Option("zh", "zf_xiaoxiao", one_of("zf_xiaoxiao")),
        ),
        "edge": _table(),
        "silence": _table(),
    }
)
