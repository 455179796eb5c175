"""Written words of a sentence, and their times where a voice knows only part of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from avatar_engine.types import Mark

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_CJK}][^\w\s]*|[^\s{_CJK}]+")
_SOUNDLESS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Timed:
    """A text that a voice said, with its time in milliseconds."""

    text: str
    start_ms: float
    end_ms: float


def split_words(text: str) -> list[str]:
    """Words as written, with the punctuation that touches them; every CJK character is a word.

    A sign that stands alone joins the word before it, so that the words are all of the text but for white space.
    """
    words: list[str] = []
    held = ""
    for piece in _PIECE.findall(text):
        if not _SOUNDLESS.fullmatch(piece):
            words.append(held + piece)
            held = ""
        elif words:
            words[-1] += " " + piece
        else:
            held += piece + " "
    return words


def spread_words(words: Sequence[str], start_ms: float, end_ms: float) -> list[Mark]:
    """Word marks that share the time in proportion to the length of each word."""
    total = sum(len(word) for word in words)
    marks: list[Mark] = []
    done = 0
    for word in words:
        begin = start_ms + (end_ms - start_ms) * done / total
        done += len(word)
        marks.append(Mark("word", word, begin, start_ms + (end_ms - start_ms) * done / total))
    return marks


def align_words(words: Sequence[str], spoken: Sequence[Timed]) -> list[Mark]:
    """Word marks for what was written, from what was said.

    Where both agree the times are exact. Where a voice said something else for a stretch ("3:30 pm" becomes
    "three thirty P.M."), the written words share the time of that stretch by their length. Words with nothing
    said in their place share the nearest moment, with no length.
    """
    if not spoken:
        return []
    left = [_key(word) for word in words]
    right = [_key(piece.text) for piece in spoken]
    marks: list[Mark] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs = zip(words[i1:i2], spoken[j1:j2], strict=True)
            marks.extend(Mark("word", word, piece.start_ms, piece.end_ms) for word, piece in pairs)
        elif j1 < j2:
            marks.extend(spread_words(words[i1:i2], spoken[j1].start_ms, spoken[j2 - 1].end_ms))
        else:
            moment = spoken[j1 - 1].end_ms if j1 else spoken[0].start_ms
            marks.extend(Mark("word", word, moment, moment) for word in words[i1:i2])
    return marks


def _key(word: str) -> str:
    return _SOUNDLESS.sub("", word).casefold()
