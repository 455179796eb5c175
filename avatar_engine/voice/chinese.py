"""Chinese text to phonemes, with the English words in it. Blocking; lives in one thread."""

from __future__ import annotations

import re
from collections.abc import Iterator

from avatar_engine.voice.chinese_text import build_chinese_reading
from avatar_engine.voice.english import EnglishReader
from avatar_engine.voice.passage import BETWEEN_SENTENCES_MS, Group, Passage, end_speech
from avatar_engine.voice.pinyin import build_syllable
from avatar_engine.voice.words import split_words

CLAUSE_MS = 140.0
"""Silence where a sentence was cut after a clause."""
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007"
_LATIN = "A-Za-z\u00c0-\u024f"
_SENTENCE = re.compile(r"[^。！？!?…\n]*[。！？!?…\n]+[”』」）)\"']*|[^。！？!?…\n]+")
_CLAUSE = re.compile(r"[^，,；;：:、]*[，,；;：:、]+|[^，,；;：:、]+")
_RUN = re.compile(rf"[{_HAN}]+|[{_LATIN}][{_LATIN}'’ .-]*|[^{_HAN}{_LATIN}]")
_SIGNS = {
    **dict.fromkeys("、，,", ","),
    **dict.fromkeys("。．.", "."),
    **dict.fromkeys("！!", "!"),
    **dict.fromkeys("？?", "?"),
    **dict.fromkeys("：:", ":"),
    **dict.fromkeys("；;", ";"),
    **dict.fromkeys("—–", "—"),
    "…": "…",
}
_SHORT_CLAUSE = 8
"""Characters; a passage ends with the first clause after so many, so that the first sound comes soon."""
_LONG_CLAUSE = 60
"""Characters; text without signs is cut here, well below what the network takes."""


class ChineseReader:
    """Reads Mandarin; runs of Latin letters go to `english`."""

    def __init__(self, english: EnglishReader) -> None:
        self._english = english

    def read(self, text: str) -> list[Passage]:
        """Split a text into passages. Empty where nothing in it can be said."""
        passages = [passage for part in _SENTENCE.findall(text) for passage in self._read_sentence(part)]
        return end_speech(passages)

    def _read_sentence(self, sentence: str) -> Iterator[Passage]:
        clauses = [passage for part in _cut_clauses(sentence) if (passage := self._read_clause(part))]
        for number, (symbols, groups, written) in enumerate(clauses, start=1):
            tail_ms = BETWEEN_SENTENCES_MS if number == len(clauses) else CLAUSE_MS
            yield Passage(symbols, tuple(groups), tuple(split_words(written)), tail_ms)

    def _read_clause(self, written: str) -> tuple[str, list[Group], str] | None:
        line = _Line()
        for run in _RUN.findall(build_chinese_reading(written)):
            if run in _SIGNS:
                line.sign(_SIGNS[run])
            elif re.match(f"[{_LATIN}]", run):
                line.words(*self._english.read_words(run))
            elif re.match(f"[{_HAN}]", run):
                for word in _cut_words(run):
                    line.word(word, [build_syllable(syllable) for syllable in _spell_pinyin(word)])
        symbols = "".join(line.symbols)
        return (symbols, line.groups, written) if line.groups else None


class _Line:
    """A phoneme string as it grows."""

    def __init__(self) -> None:
        self.symbols: list[str] = []
        self.groups: list[Group] = []

    def sign(self, sign: str) -> None:
        """Punctuation counts only after a word, and once."""
        if self.groups and self.symbols[-1].isspace():
            self.symbols.pop()
        if self.groups and self.symbols[-1] not in _SIGNS.values():
            self.symbols.append(sign)

    def word(self, word: str, syllables: list[str]) -> None:
        """A Chinese word, a syllable for each character."""
        self._space()
        for character, syllable in zip(word, syllables, strict=True):
            if syllable:
                self.groups.append((character, len(self.symbols), len(self.symbols) + len(syllable)))
                self.symbols.extend(syllable)

    def words(self, symbols: str, groups: list[Group]) -> None:
        """English words with their groups, which count from their first symbol."""
        self._space()
        at = len(self.symbols)
        self.groups.extend((text, first + at, after + at) for text, first, after in groups)
        self.symbols.extend(symbols)

    def _space(self) -> None:
        if self.symbols and self.symbols[-1] != " ":
            self.symbols.append(" ")


def _cut_clauses(sentence: str) -> Iterator[str]:
    """Pieces that end after a clause and are neither too short nor too long."""
    held = ""
    for clause in _CLAUSE.findall(sentence):
        held += clause
        while len(held) > _LONG_CLAUSE:
            yield held[:_LONG_CLAUSE]
            held = held[_LONG_CLAUSE:]
        if len(held) >= _SHORT_CLAUSE:
            yield held
            held = ""
    if held:
        yield held


def _cut_words(run: str) -> list[str]:
    import rjieba

    words: list[str] = rjieba.cut(run)
    return words


def _spell_pinyin(word: str) -> list[str]:
    """A syllable with its tone for each character; "?" for one that has none."""
    from pypinyin import Style, lazy_pinyin

    def unknown(characters: str) -> list[str]:  # a list is not in pypinyin's types, but in its documentation
        return ["?"] * len(characters)

    syllables: list[str] = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, errors=unknown)  # type: ignore[arg-type]
    return syllables
