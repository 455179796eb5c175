"""Sentences out of a stream of text, each as soon as it is sure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARACTERS = 220
FIRST_CLAUSE_WORDS = 4
FIRST_CLAUSE_CJK = 8

_FENCE = "```"
_STOPS = ".!?…।؟"
_CJK_STOPS = "。！？；｡"
_CLOSERS = "\"'”’»)]}*_`」』）】》〉］"
_QUOTES = "\"'”’»"
_CLAUSE_MARKS = ",;:"
_CJK_CLAUSE_MARKS = "，："
_DASHES = "—–-"
_EARLIEST_CUT = 80

_NEVER_LAST = re.compile(
    r"mr|mrs|ms|dr|prof|st|mt|ft|gen|gov|sen|rep|capt|lt|col|sgt|rev|hon|pres|maj|adm|mme|mlle"
    r"|vs|approx|cf|esp|viz|al|e\.g|i\.e|resp|incl|excl|ca"
)
"""Abbreviations that something always follows."""
_BEFORE_NUMBER = re.compile(r"nos?|vol|figs?|ch|pp?|sec|art|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec")
"""Abbreviations only where a number follows."""
_MAYBE_LAST = re.compile(r"etc|inc|ltd|co|corp|jr|sr|bros|dept|est|[ap]\.m")
"""Abbreviations that end a sentence only where a capital follows."""
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]|ph\.d", re.IGNORECASE)
_ITEM_NUMBER = re.compile(r"\W*(?:\d{1,3}|[a-zA-Z])\.")
_CUTS = re.compile(rf"[{_CLAUSE_MARKS}—–](?=\s)|[{_CJK_CLAUSE_MARKS}、]|(?<=\S)—(?=\S)")
_SOUND = re.compile(r"\w")


@dataclass(slots=True)
class _Candidate:
    """A place in the buffer where a sentence, or its first clause, may end; the next characters decide."""

    end: int
    clause: bool
    spaced: bool = False


class SentenceSplitter:
    """Cuts one reply into sentences. One object for one reply.

    What comes out depends on the text alone, never on the pieces in which it came. Nothing but white space at the
    edges of sentences is lost. The first sentence may go early, as a clause. A code block is one sentence of its
    own, however long; every other is at most `MAX_CHARACTERS` long.
    """

    def __init__(self) -> None:
        self._buffer = ""
        self._candidate: _Candidate | None = None
        self._in_code = False
        self._first = True
        self._done: list[str] = []

    def push(self, piece: str) -> list[str]:
        """Take the next piece; return the sentences that became sure."""
        for character in piece:
            self._take(character)
        return self._collect()

    def flush(self) -> list[str]:
        """The reply is over: return what is left."""
        self._emit(len(self._buffer))
        self._in_code = False
        return self._collect()

    def _collect(self) -> list[str]:
        done, self._done = self._done, []
        return done

    def _take(self, character: str) -> None:
        if not self._in_code and self._candidate is not None:
            self._decide(character)
        self._buffer += character
        if self._buffer.endswith(_FENCE) and (not self._in_code or len(self._buffer) >= 2 * len(_FENCE)):
            self._fence()
        elif self._in_code:
            return
        elif character in "\n\r":
            self._emit(len(self._buffer))
        elif self._candidate is None:
            self._candidate = self._look(character)
        if not self._in_code and len(self._buffer) > MAX_CHARACTERS:
            self._emit(_best_cut(self._buffer[:MAX_CHARACTERS]))

    def _fence(self) -> None:
        """Three backticks came: what is before them, or the code that they close, is complete."""
        self._emit(len(self._buffer) if self._in_code else len(self._buffer) - len(_FENCE))
        self._in_code = not self._in_code

    def _look(self, character: str) -> _Candidate | None:
        """Whether the character that ends the buffer may end a sentence, or the first clause of the reply."""
        if character in _STOPS or character in _CJK_STOPS:
            return _Candidate(len(self._buffer), clause=False)
        clause = character in _CLAUSE_MARKS or character in _CJK_CLAUSE_MARKS or character in _DASHES
        if clause and self._first and _is_first_clause(self._buffer):
            return _Candidate(len(self._buffer), clause=True)
        return None

    def _decide(self, character: str) -> None:
        """The character after a candidate: belongs to it, keeps it open, or settles it."""
        candidate = self._candidate
        assert candidate is not None
        if character.isspace():
            candidate.spaced = True
            if candidate.clause:
                self._settle(candidate, True)
        elif candidate.clause:
            self._settle(candidate, _ends_clause(self._buffer[: candidate.end], character))
        elif _is_emoji(character) or (not candidate.spaced and character in _STOPS + _CJK_STOPS + _CLOSERS):
            candidate.end = len(self._buffer) + 1
        else:
            self._settle(candidate, _ends_sentence(self._buffer[: candidate.end], character, candidate.spaced))

    def _settle(self, candidate: _Candidate, ends: bool) -> None:
        self._candidate = None
        if ends:
            self._emit(candidate.end)

    def _emit(self, end: int) -> None:
        """Give out the buffer up to `end`; a candidate behind it stays."""
        sentence = self._buffer[:end].strip()
        self._buffer = self._buffer[end:]
        if self._candidate is not None:
            self._candidate.end -= end
            if self._candidate.end <= 0:
                self._candidate = None
        if sentence:
            self._done.append(sentence)
            self._first = False


def _is_first_clause(text: str) -> bool:
    """Whether the start of a reply, up to its clause mark, is long enough to be spoken alone."""
    if text.count("(") > text.count(")") or text.count('"') % 2 or text.count("“") > text.count("”"):
        return False
    if text[-1] in "–-" and not text[-2:-1].isspace():
        return False
    words = sum(1 for word in text.split() if _SOUND.search(word) and not _is_cjk(word[0]))
    return words >= FIRST_CLAUSE_WORDS or sum(map(_is_cjk, text)) >= FIRST_CLAUSE_CJK


def _ends_clause(text: str, following: str) -> bool:
    """Whether a clause ends though no space follows its mark: after an em dash and after Chinese marks."""
    return text[-1] in _CJK_CLAUSE_MARKS + "—" and following not in _CLOSERS + _DASHES


def _ends_sentence(text: str, following: str, spaced: bool) -> bool:
    """Whether `text`, which has a stop at its end, is a sentence.

    following: the first character after it that is no space, closing sign or emoji; spaced: a space came before it.
    """
    core = text.rstrip()
    while core and core[-1] not in _STOPS + _CJK_STOPS:
        core = core[:-1]
    stop = core[-1]
    if stop in _CJK_STOPS:
        return True
    if not spaced:
        return _is_cjk(following)
    if stop == "…" or core.endswith(".."):
        return not following.islower()
    if stop != ".":
        return not (following.islower() and text.rstrip()[-1] in _QUOTES)
    return _full_stop_ends(core, following)


def _full_stop_ends(core: str, following: str) -> bool:
    if _ITEM_NUMBER.fullmatch(core):
        return False
    word = core.split()[-1].rstrip(".").lstrip("\"'“‘«([{*_—–-")
    low = word.lower()
    if _NEVER_LAST.fullmatch(low) or (_BEFORE_NUMBER.fullmatch(low) and following.isdigit()):
        return False
    if _MAYBE_LAST.fullmatch(low):
        return not following.islower() and not following.isdigit() and following not in "(,;:"
    return not (_DOTTED.fullmatch(word) or (len(word) == 1 and word.isupper() and word != "I"))


def _best_cut(text: str) -> int:
    """Where to cut a sentence that is too long: after its last clause, else at its last space, else at the end."""
    clauses = [match.end() for match in _CUTS.finditer(text) if match.end() >= _EARLIEST_CUT]
    if clauses:
        return clauses[-1]
    space = max(text.rfind(" "), text.rfind("\t"))
    return space if space > 0 else len(text)


def _is_cjk(character: str) -> bool:
    return "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff"


def _is_emoji(character: str) -> bool:
    """Pictures, and the joiners and variations that they are made of."""
    if character in "\u200d\ufe0f":
        return True
    return character > "\u2000" and unicodedata.category(character) in ("So", "Sk")
