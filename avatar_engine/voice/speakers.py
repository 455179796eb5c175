"""Who can be chosen to speak: every known speaker of every voice, as an entry of a room's list of voices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar_engine.errors import UnknownEngine, VoiceConfigError
from avatar_engine.voice.config import check_voice
from avatar_engine.voice.options import OPTIONS, Option

Entry = str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Speaker:
    """One way to speak. name: what the voice calls its speaker, "" where it has one alone. entry: as a room has it."""

    voice: str
    name: str
    entry: Entry

    @property
    def key(self) -> str:
        """The entry as text, to send through a form."""
        return write_entry(self.entry)


def write_entry(entry: Entry) -> str:
    """An entry as text: a name as it is, an object as JSON, the same for the same options."""
    return entry if isinstance(entry, str) else json.dumps(entry, sort_keys=True, ensure_ascii=False)


def list_speakers(data_dir: Path, of_rooms: Iterable[Entry] = ()) -> list[Speaker]:
    """The speakers that the table of options knows, models in `DATA/voices/`, and what rooms have set up themselves.

    Whether one can speak here and now is not asked: trying it tells.
    """
    found = [speaker for voice in OPTIONS for speaker in _list_known(voice, data_dir)]
    keys = {speaker.key for speaker in found}
    for entry in of_rooms:
        speaker = _read_entry(entry)
        if speaker is not None and speaker.key not in keys:
            keys.add(speaker.key)
            found.append(speaker)
    return sorted(found, key=lambda speaker: list(OPTIONS).index(speaker.voice))


def set_rate(entry: Entry, rate: float) -> Entry:
    """The entry, speaking `rate` times as fast where its voice can do that. Raises `VoiceConfigError`."""
    if isinstance(entry, str):
        entry = {"voice": entry}
    option = OPTIONS[entry["voice"]].get("rate")
    if option is None or rate == option.default:
        return entry
    return {**entry, "rate": option.check(rate)}


def _list_known(voice: str, data_dir: Path) -> Iterator[Speaker]:
    options = OPTIONS[voice]
    named = False
    for option in options.values():
        for name in _list_names(option, data_dir):
            named = True
            yield Speaker(voice, name, {"voice": voice, option.name: name})
    if not named and _is_plain(voice):
        yield Speaker(voice, "", voice)


def _list_names(option: Option, data_dir: Path) -> list[str]:
    if option.ending:
        return sorted(path.name.removesuffix(option.ending) for path in (data_dir / "voices").glob(f"*{option.ending}"))
    return list(option.speakers)


def _is_plain(voice: str) -> bool:
    try:
        check_voice(voice)
    except VoiceConfigError:
        return False
    return True


def _read_entry(entry: Entry) -> Speaker | None:
    """What a room has; None for what its form would not take either, and for a name alone."""
    if not isinstance(entry, Mapping):
        return None
    try:
        check_voice(entry)
    except (VoiceConfigError, UnknownEngine):
        return None
    options = {name: str(value) for name, value in entry.items() if name != "voice"}
    return Speaker(entry["voice"], " ".join(options.values())[:60], dict(entry))
