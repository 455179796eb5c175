"""hibari's network, loaded. Blocking; lives in one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from avatar_engine.errors import VoiceError
from avatar_engine.types import Float32
from avatar_engine.voice.english import EnglishReader
from avatar_engine.voice.onnx_net import load_session, onnx_errors
from avatar_engine.voice.passage import NET_RATE_HZ, Passage, Utterance, build_utterance
from avatar_engine.voice.phonemes import UNIT_MS, build_sounds

GAIN = 1.8
"""Brings speech to -20 dB while it sounds; the loudest peak of 27 sentences, shouts among them, then is 0.9."""
_DURATIONS = "/Clip_output_0"


class HibariNet:
    """Use `HibariNet.load()`. One call at a time."""

    def __init__(self, session: Any, reader: EnglishReader) -> None:
        self._session = session
        self._reader = reader

    @classmethod
    def load(cls) -> HibariNet:
        """Load network, lexicon and tagger from the installed package (0.5 s). Raises `VoiceError`."""
        try:
            from hibari.voices import DEFAULT, voice_path

            path = Path(voice_path(DEFAULT, download_missing=False))
            return cls(load_session(path, _DURATIONS, threads=1), EnglishReader.load())
        except (ImportError, OSError) as error:
            raise VoiceError(f"hibari-tts does not load: {error}", retryable=False) from error

    def read(self, text: str, language: str | None) -> list[Passage]:
        """Split a text into passages; it is English, whatever `language` says."""
        return self._reader.read(text)

    def say(self, passage: Passage) -> Utterance:
        """Sound and marks of one passage. Raises `VoiceError`."""
        from hibari import dsp

        ids = [0, *(self._reader.alphabet[symbol] for symbol in passage.symbols), 0]
        feed = {"ids": np.asarray([ids], np.int64), "speed": np.full(1, passage.rate, np.float32)}
        try:
            *spectrum, units = self._session.run(None, feed)
        except onnx_errors() as error:
            raise VoiceError(f"hibari's network failed: {error}") from error
        wave: Float32 = dsp.synth(*(part[0] for part in spectrum), np.random.default_rng(0))
        units = np.asarray(units, np.float32).reshape(-1)
        if len(units) != len(ids) or round(float(units.sum()) * UNIT_MS * NET_RATE_HZ / 1000) != len(wave):
            raise VoiceError("the durations of hibari's network do not add up to its sound")
        return build_utterance(wave, build_sounds(passage.symbols, units), passage, GAIN)
