"""The voices of the corpus: hibari, and Kokoro's speakers, pure and mixed, each at any rate. Blocking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import cast

import numpy as np

from avatar_engine.types import Float32
from avatar_engine.voice.hibari_net import HibariNet
from avatar_engine.voice.kokoro_net import KokoroNet
from avatar_engine.voice.passage import Passage, Utterance, build_utterance
from avatar_engine.voice.phonemes import build_sounds

KOKORO_PARTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "heart": {"af_heart": 1.0},
        "xiaoxiao": {"zf_xiaoxiao": 1.0},
        "between": {"af_heart": 0.5, "zf_xiaoxiao": 0.5},
        "beyond_heart": {"af_heart": 1.4, "zf_xiaoxiao": -0.4},
        "beyond_xiaoxiao": {"zf_xiaoxiao": 1.4, "af_heart": -0.4},
        "michael": {"am_michael": 1.0},
    }
)
"""How much of each of Kokoro's speakers is in a voice of the corpus. "michael" is kept for tests, in both languages."""

_NEEDED = MappingProxyType({"en": "af_heart", "zh": "zf_xiaoxiao", "held": "am_michael"})
_GAIN = 0.9


class CorpusHibari(HibariNet):
    """hibari with a rate."""

    def say_text(self, text: str, rate: float) -> list[Utterance]:
        """One utterance for each passage of an English text. `rate` 1.25 is faster. Raises `VoiceError`."""
        return [self.say(replace(passage, rate=rate)) for passage in self.read(text, "en")]


class CorpusKokoro(KokoroNet):
    """Kokoro with a mixture of its speakers and a rate."""

    def say_text(self, voice: str, text: str, language: str, rate: float) -> list[Utterance]:
        """As `CorpusHibari.say_text`, in "en" or "zh", by a voice of `KOKORO_PARTS`."""
        return [self._say_as(voice, passage, rate) for passage in self.read(text, language)]

    def _say_as(self, voice: str, passage: Passage, rate: float) -> Utterance:
        length = len(passage.symbols) - 1
        style = sum(self._styles[name][length] * np.float32(share) for name, share in KOKORO_PARTS[voice].items())
        ids = [0, *(self._english.alphabet[symbol] for symbol in passage.symbols), 0]
        feed = {"tokens": np.asarray([ids], np.int64), "style": style, "speed": np.full(1, rate, np.float32)}
        wave, units = self._session.run(None, feed)
        lengths: Float32 = np.asarray(units, np.float32).reshape(-1)
        return build_utterance(wave, build_sounds(passage.symbols, lengths), passage, _GAIN)


def load_kokoro(model: Path) -> CorpusKokoro:
    """The network with all speakers that the corpus wants. Raises `VoiceError`."""
    net = CorpusKokoro.load(model, _NEEDED)
    return cast("CorpusKokoro", net)


def load_hibari() -> CorpusHibari:
    """The installed voice. Raises `VoiceError`."""
    return cast("CorpusHibari", CorpusHibari.load())
