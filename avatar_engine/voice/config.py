"""A room's list of voices, checked: names, or objects with a name and options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from avatar_engine.errors import UnknownEngine, VoiceConfigError
from avatar_engine.voice.options import OPTIONS

MOST_VOICES = 8


@dataclass(frozen=True, slots=True)
class VoiceSetting:
    """One voice of a room; `options` holds every option of this voice, defaults filled in."""

    voice: str
    options: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The same text for the same voice with the same options, and for no other."""
        return json.dumps([self.voice, dict(self.options)], sort_keys=True, ensure_ascii=False)


def check_voices(entries: Sequence[str | Mapping[str, Any]]) -> list[VoiceSetting]:
    """The settings of a room's list of voices.

    An entry is a name ("hibari"), or {"voice": name, ...options}. Raises `UnknownEngine` for a name that is not in
    the table and `VoiceConfigError` for everything else; the text says which field of which voice, and why.
    """
    if not isinstance(entries, list | tuple):
        raise VoiceConfigError("the voices must be a list")
    if len(entries) > MOST_VOICES:
        raise VoiceConfigError(f"{len(entries)} voices are too many; the most is {MOST_VOICES}")
    settings = [check_voice(entry, f"voice {number}") for number, entry in enumerate(entries, start=1)]
    keys = [setting.key for setting in settings]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise VoiceConfigError(f"voice {number + 1}: the same voice with the same options is in the list already")
    return settings


def list_plain_voices() -> list[str]:
    """The names that may stand in a list without any option."""
    plain = []
    for name in OPTIONS:
        try:
            check_voice(name)
        except VoiceConfigError:
            continue
        plain.append(name)
    return plain


def check_voice(entry: str | Mapping[str, Any], where: str = "the voice") -> VoiceSetting:
    """One entry; `where` begins the text of an error."""
    if isinstance(entry, str):
        entry = {"voice": entry}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("voice"), str):
        raise VoiceConfigError(f'{where}: must be a name, or an object with the name as "voice"')
    name = entry["voice"]
    if name not in OPTIONS:
        raise UnknownEngine(f"no voice is called {name!r}; there are {', '.join(sorted(OPTIONS))}")
    known = OPTIONS[name]
    for field in entry:
        if field != "voice" and field not in known:
            raise VoiceConfigError(f"{where}: {name} has no option {field!r}; it has {', '.join(known) or 'none'}")
    try:
        options = {field: option.check(entry.get(field, option.default)) for field, option in known.items()}
    except VoiceConfigError as error:
        raise VoiceConfigError(f"{where}: {name}: {error}") from error
    return VoiceSetting(name, MappingProxyType(options))
