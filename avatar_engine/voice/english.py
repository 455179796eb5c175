"""English text to phonemes, by the reading that hibari-tts brings. Blocking; lives in one thread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from avatar_engine.errors import VoiceError
from avatar_engine.voice.english_text import build_reading
from avatar_engine.voice.passage import Group, Passage, end_speech
from avatar_engine.voice.words import split_words

_MAX_SYMBOLS = 400
_CLAUSE_ENDS = ",;:—"


class EnglishReader:
    """Use `EnglishReader.load()`. Writes the alphabet of Kokoro and its kin, misaki's."""

    def __init__(self, g2p: Any, alphabet: Mapping[str, int]) -> None:
        self._g2p = g2p
        self.alphabet = alphabet
        """The id of every symbol; 0 is the pad."""

    @classmethod
    def load(cls) -> EnglishReader:
        """Load lexicon and tagger from the installed package. Raises `VoiceError`."""
        try:
            from hibari.g2p import G2P
            from hibari.voices import ASSETS

            alphabet = json.loads((Path(ASSETS) / "vocab.json").read_text(encoding="utf-8"))
            return cls(G2P(), alphabet)
        except (ImportError, OSError) as error:
            raise VoiceError(f"hibari-tts does not load: {error}", retryable=False) from error

    def read(self, text: str) -> list[Passage]:
        """Split a text into passages. Empty where nothing in it can be said."""
        from hibari.tts import Hibari

        return end_speech([passage for part in Hibari.split_sentences(text) for passage in self._read_sentence(part)])

    def read_words(self, text: str) -> tuple[str, list[Group]]:
        """The phoneme string of a few words inside another sentence, and its groups."""
        return self._join(self._tokens(text))

    def _tokens(self, text: str) -> list[Any]:
        from hibari.g2p.normalize import normalize

        tokens: list[Any] = self._g2p.phonemize_tokens(self._g2p.tokenize(normalize(build_reading(text))))
        return tokens

    def _read_sentence(self, sentence: str) -> Iterator[Passage]:
        runs = list(_cut_runs(self._tokens(sentence)))
        words = split_words(sentence)
        share = len(words) / max(1, len(runs))
        for number, run in enumerate(runs):
            symbols, groups = self._join(run)
            if groups:
                said = words[round(number * share) : round((number + 1) * share)]
                yield Passage(symbols, tuple(groups), tuple(said))

    def _join(self, tokens: list[Any]) -> tuple[str, list[Group]]:
        """The phoneme string of tokens, and its words."""
        symbols = ""
        groups: list[Group] = []
        text, first = "", 0
        for token in tokens:
            symbols += "".join(symbol for symbol in token.phonemes or "" if symbol in self.alphabet)
            text += token.text
            if token.whitespace or token is tokens[-1]:
                if any(symbol.isalpha() for symbol in symbols[first:]):
                    groups.append((text, first, len(symbols)))
                if symbols and not symbols.endswith(" ") and token is not tokens[-1]:
                    symbols += " "
                text, first = "", len(symbols)
        return symbols.rstrip(), groups


def _cut_runs(tokens: list[Any]) -> Iterator[list[Any]]:
    """Runs of tokens that are short enough for the network, cut after a clause where there is one."""
    run: list[Any] = []
    size = 0
    for token in tokens:
        length = len(token.phonemes or "") + 1
        if run and size + length > _MAX_SYMBOLS:
            clause = max(
                (i + 1 for i, t in enumerate(run) if (t.phonemes or " ")[-1] in _CLAUSE_ENDS), default=len(run)
            )
            yield run[:clause]
            run = run[clause:]
            size = sum(len(t.phonemes or "") + 1 for t in run)
        run.append(token)
        size += length
    if run:
        yield run
