"""What is known of each try of a voice: a small JSON file that web and worker share, and the sound beside it."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

TrialState = Literal["asked", "late", "speaking", "done", "failed"]
TrialReason = Literal["", "not_ready", "language", "settings", "nothing", "too_slow", "broke_off", "failed"]

FOLDER = "voice_trials"
MOST_TEXT = 300
"""Characters: half a minute of speech."""
LATE_S = 10.0
"""A free worker begins within two seconds; after this time something is in its way."""
LIMIT_S = 60.0
KEPT = 12
"""Tries that stay; each is at most 6 MB of sound, and the oldest goes first."""
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class TrialCard:
    """What the voice declared: see `VoiceCard`. languages are sorted, "*" for all."""

    languages: tuple[str, ...]
    offline: bool
    licence: str


@dataclass(frozen=True, slots=True)
class TrialFigures:
    """load_ms: until the voice was warm. first_sound_ms: text handed over -> first 20 ms of sound.

    realtime: time to make the sound over its length. sound_s: its length.
    """

    load_ms: float
    first_sound_ms: float
    realtime: float
    sound_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One text said by one voice.

    state:  "late" is asked for, and nobody has begun within `LATE_S`.
    reason: why it failed, as a code; `detail` in words, for the operator.
    """

    id: str
    entry: str | dict[str, Any]
    speaker: str
    language: str
    text: str
    state: TrialState = "asked"
    card: TrialCard | None = None
    figures: TrialFigures | None = None
    reason: TrialReason = ""
    detail: str = ""

    @property
    def voice(self) -> str:
        return self.entry if isinstance(self.entry, str) else str(self.entry["voice"])

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed")


class TrialFolder:
    """Keeps the last tries. Every file appears whole or not at all."""

    def __init__(self, data_dir: Path, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970, as file times do."""
        self._folder = data_dir / FOLDER
        self._clock = clock

    def ask(self, entry: str | dict[str, Any], speaker: str, language: str, text: str) -> Trial:
        """Note a wish. Raises OSError where the disk does not take it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._drop_oldest(KEPT - 1)
        trial = Trial(uuid.uuid4().hex, entry, speaker, language, text)
        self.save(trial)
        return trial

    def read(self, trial_id: str) -> Trial | None:
        """What is known, or None for one that was dropped or never was."""
        if not _ID.fullmatch(trial_id):
            return None
        path = self._path(trial_id)
        try:
            trial = _parse(json.loads(path.read_text(encoding="utf-8")))
            age_s = self._clock() - path.stat().st_mtime
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if trial.state == "asked" and age_s >= LATE_S:
            return replace(trial, state="late")
        if trial.state == "speaking" and age_s >= LIMIT_S + LATE_S:  # it has a limit of its own, so its worker is gone
            return replace(trial, state="failed", reason="broke_off")
        return trial

    def save(self, trial: Trial) -> None:
        """Replace what is known."""
        self._write(self._path(trial.id), json.dumps(asdict(trial), ensure_ascii=False).encode())

    def save_sound(self, trial_id: str, wav: bytes) -> None:
        """Keep the sound, a WAV file."""
        self._write(self.sound_path(trial_id), wav)

    def sound_path(self, trial_id: str) -> Path:
        """Where the sound is, once the state is "done"."""
        return self._folder / f"{trial_id}.wav"

    def drop(self, trial_id: str) -> None:
        """Forget a wish that could not be passed on."""
        for path in (self._path(trial_id), self.sound_path(trial_id)):
            path.unlink(missing_ok=True)

    def _drop_oldest(self, keep: int) -> None:
        known = sorted(self._folder.glob("*.json"), key=_changed_at, reverse=True)
        for path in known[keep:]:
            self.drop(path.stem)

    def _path(self, trial_id: str) -> Path:
        return self._folder / f"{trial_id}.json"

    def _write(self, path: Path, data: bytes) -> None:
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.write_bytes(data)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _parse(fields: dict[str, Any]) -> Trial:
    card, figures = fields["card"], fields["figures"]
    return Trial(
        **{
            **fields,
            "card": TrialCard(**{**card, "languages": tuple(card["languages"])}) if card else None,
            "figures": TrialFigures(**figures) if figures else None,
        }
    )


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process dropped it
        return 0.0
