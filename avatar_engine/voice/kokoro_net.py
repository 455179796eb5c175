"""Kokoro's network with its speakers, loaded. Blocking; lives in one thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from avatar_engine.errors import VoiceError
from avatar_engine.types import Float32
from avatar_engine.voice.chinese import ChineseReader
from avatar_engine.voice.english import EnglishReader
from avatar_engine.voice.language import detect_language
from avatar_engine.voice.onnx_net import load_session, onnx_errors
from avatar_engine.voice.passage import NET_RATE_HZ, Passage, Utterance, build_utterance
from avatar_engine.voice.phonemes import UNIT_MS, build_sounds

THREADS = 2
MOST_SYMBOLS = 510
"""Rows of a speaker, one for each length of a phoneme string: what the network was trained for."""
_STYLE = 256
_DURATIONS = "/encoder/Clip_output_0"
_SPEAKERS_FOLDER = Path(__file__).parent / "kokoro_speakers"


@dataclass(frozen=True, slots=True)
class Speaker:
    """gain: brings this speaker to -20 dB while it sounds, as loud as the other voices."""

    language: str
    gain: float


SPEAKERS: Mapping[str, Speaker] = MappingProxyType(
    {
        "af_heart": Speaker("en", 1.15),
        "am_michael": Speaker("en", 1.35),
        "zf_xiaoxiao": Speaker("zh", 0.53),
    }
)


class KokoroNet:
    """Use `KokoroNet.load()`. One call at a time."""

    def __init__(self, session: Any, english: EnglishReader, speakers: Mapping[str, str]) -> None:
        self._session = session
        self._english = english
        self._chinese = ChineseReader(english)
        self._speakers = speakers
        self._styles = {name: _load_style(name) for name in speakers.values()}

    @classmethod
    def load(cls, path: Path, speakers: Mapping[str, str]) -> KokoroNet:
        """The network of `path` (2 s, 0.5 GB) with a speaker for each language. Raises `VoiceError`."""
        try:
            return cls(load_session(path, _DURATIONS, THREADS), EnglishReader.load(), speakers)
        except OSError as error:
            raise VoiceError(f"kokoro does not load: {error}") from error

    def read(self, text: str, language: str | None) -> list[Passage]:
        """Split a text into passages, each with the speaker of its language."""
        language = language or detect_language(text)
        reader = self._chinese if language == "zh" else self._english
        return [replace(passage, speaker=self._speakers[language]) for passage in reader.read(text)]

    def say(self, passage: Passage) -> Utterance:
        """Sound and marks of one passage. Raises `VoiceError`."""
        ids = [0, *(self._english.alphabet[symbol] for symbol in passage.symbols), 0]
        feed = {
            "tokens": np.asarray([ids], np.int64),
            "style": self._styles[passage.speaker][len(passage.symbols) - 1],
            "speed": np.full(1, passage.rate, np.float32),
        }
        try:
            wave, units = self._session.run(None, feed)
        except onnx_errors() as error:
            raise VoiceError(f"kokoro's network failed: {error}") from error
        units = np.asarray(units, np.float32).reshape(-1)
        if len(units) != len(ids) or round(float(units.sum()) * UNIT_MS * NET_RATE_HZ / 1000) != len(wave):
            raise VoiceError("the durations of kokoro's network do not add up to its sound")
        return build_utterance(wave, build_sounds(passage.symbols, units), passage, SPEAKERS[passage.speaker].gain)


def _load_style(name: str) -> Float32:
    """float32[510, 1, 256]: how the speaker sounds, for each length of a phoneme string."""
    try:
        return np.fromfile(_SPEAKERS_FOLDER / f"{name}.bin", np.float32).reshape(MOST_SYMBOLS, 1, _STYLE)
    except ValueError as error:
        raise VoiceError(f"the speaker {name} is not whole", retryable=False) from error
