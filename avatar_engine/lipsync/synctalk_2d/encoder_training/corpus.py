"""The sound to learn from, made once: sentences said by the corpus voices, each kept with its phoneme marks."""

from __future__ import annotations

import json
import logging
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar_engine.features.decimate import Decimator
from avatar_engine.lipsync.synctalk_2d.encoder_training.sentences import compose_chinese, compose_english
from avatar_engine.lipsync.synctalk_2d.encoder_training.speakers import (
    CorpusHibari,
    CorpusKokoro,
    load_hibari,
    load_kokoro,
)
from avatar_engine.timing import samples_to_ms
from avatar_engine.types import Int16, Mark
from avatar_engine.voice.passage import Utterance

log = logging.getLogger(__name__)

SLOWEST, FASTEST = 0.8, 1.25
KOKORO_REPEATS = 3
"""Kokoro takes ten times as long for a sentence as hibari does."""
KEEP_PLAIN = 30
"""Sentences at the head of `sentences.py` that only training hears."""


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences of one voice. `held` ones are never trained on; their sentences are said by nobody else.

    repeats: how often each is heard in an epoch, always disturbed in another way.
    """

    voice: str
    language: str
    sentences: int
    seed: int
    held: bool = False
    repeats: int = 1

    @property
    def name(self) -> str:
        return f"{self.voice}_{self.language}{'_held' if self.held else ''}"


GROUPS: tuple[Group, ...] = (
    Group("hibari", "en", 12, 901, held=True),
    Group("michael", "en", 10, 902, held=True),
    Group("michael", "zh", 8, 903, held=True),
    Group("heart", "en", 6, 904, held=True),
    Group("xiaoxiao", "zh", 8, 905, held=True),
    Group("hibari", "en", 260, 1),
    Group("xiaoxiao", "zh", 45, 2, repeats=KOKORO_REPEATS),
    Group("heart", "en", 30, 3, repeats=KOKORO_REPEATS),
    Group("between", "zh", 15, 4, repeats=KOKORO_REPEATS),
    Group("between", "en", 15, 5, repeats=KOKORO_REPEATS),
    Group("beyond_heart", "en", 15, 6, repeats=KOKORO_REPEATS),
    Group("beyond_xiaoxiao", "zh", 15, 7, repeats=KOKORO_REPEATS),
    Group("heart", "zh", 10, 8, repeats=KOKORO_REPEATS),
    Group("xiaoxiao", "en", 10, 9, repeats=KOKORO_REPEATS),
)


@dataclass(frozen=True, slots=True)
class Clip:
    """One said text: int16[n] mono at 16 kHz, and its phoneme marks."""

    name: str
    pcm: Int16
    marks: tuple[Mark, ...]


def make_corpus(folder: Path, kokoro: Path, groups: Sequence[Group] = GROUPS) -> None:
    """Fill `folder` with what is not yet there: one file for each sentence. Stopped at any time, it goes on later.

    All groups grow at once, so that half a corpus has half of every voice. `kokoro` is the network's file. Raises
    `VoiceError`.
    """
    voices = _Voices(kokoro)
    tasks = sorted((task for group in groups for task in _list_tasks(folder, group)), key=lambda task: task.place)
    for number, task in enumerate(tasks):
        task.path.parent.mkdir(parents=True, exist_ok=True)
        if not task.path.exists():
            _save(task.path, task.text, voices.say(task))
            log.info("sentence %d of %d: %s", number + 1, len(tasks), task.path.parent.name)


@dataclass(frozen=True, slots=True)
class _Task:
    """One sentence to be said. `place` in 0..1 is how far into its group it stands."""

    group: Group
    place: float
    text: str
    rate: float
    path: Path


def _list_tasks(folder: Path, group: Group) -> Iterator[_Task]:
    rates = random.Random(group.seed)
    for number, text in enumerate(_compose(group)):
        path = folder / group.name / f"{number:04d}.npz"
        yield _Task(group, number / group.sentences, text, rates.uniform(SLOWEST, FASTEST), path)


class _Voices:
    """The voices of the corpus, each loaded when it is first wanted."""

    def __init__(self, kokoro: Path) -> None:
        self._path = kokoro
        self._hibari: CorpusHibari | None = None
        self._kokoro: CorpusKokoro | None = None

    def say(self, task: _Task) -> list[Utterance]:
        """One utterance for each passage."""
        group = task.group
        if group.voice == "hibari":
            self._hibari = self._hibari or load_hibari()
            return self._hibari.say_text(task.text, task.rate)
        self._kokoro = self._kokoro or load_kokoro(self._path)
        return self._kokoro.say_text(group.voice, task.text, group.language, task.rate)


def _compose(group: Group) -> list[str]:
    compose = compose_chinese if group.language == "zh" else compose_english
    first = KEEP_PLAIN if group.held else 0
    return compose(first + group.sentences, group.seed)[first:]


def _save(path: Path, text: str, utterances: list[Utterance]) -> None:
    marks: list[tuple[str, float, float]] = []
    at_ms = 0.0
    for utterance in utterances:
        marks += [(m.text, m.start_ms + at_ms, m.end_ms + at_ms) for m in utterance.marks if m.kind == "phoneme"]
        at_ms += samples_to_ms(utterance.pcm.size)
    pcm = np.concatenate([utterance.pcm for utterance in utterances] or [np.zeros(0, np.int16)])
    low = np.clip(Decimator().push(pcm, last=True) * 32767, -32767, 32767).astype(np.int16)
    part = path.with_suffix(".part.npz")
    np.savez(part, pcm=low, marks=np.array(json.dumps(marks)), text=np.array(text))
    os.replace(part, path)


def load_clips(folder: Path, *, held: bool) -> Iterator[tuple[Group, Clip]]:
    """What the folder holds, in a fixed order."""
    for group in GROUPS:
        if group.held != held:
            continue
        for path in sorted((folder / group.name).glob("[0-9]*.npz")):
            if ".part" in path.name:
                continue
            with np.load(path) as kept:
                marks = tuple(Mark("phoneme", sign, start, end) for sign, start, end in json.loads(str(kept["marks"])))
                yield group, Clip(f"{group.name}/{path.stem}", kept["pcm"], marks)
