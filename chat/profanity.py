"""Finds words of the profanity lists, also where they are masked or spaced out."""

from __future__ import annotations

import re
import unicodedata

from chat.profanity_words import CHINESE, ENGLISH, ENGLISH_NAMES

_LOOKALIKES = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"})
_ENDINGS = r"(?:s|es|ed|er|ers|in|ing|ings|y|ty|tty|ting|ted|ter|ters|head|heads|hole|face|ie|ies|ish|able)?"
_BETWEEN_CJK = re.compile(r"(?<=[\u3400-\u9fff])[\s\W_]+(?=[\u3400-\u9fff])")
_MASKS = r"*#_"


def _letter(character: str, inner: bool) -> str:
    """A letter, any number of times; inside a word also masked."""
    if character == " ":
        return r"[\W_]+"
    return f"[{character}{_MASKS}]+" if inner else f"{character}+"


def _compact(word: str) -> str:
    """The word in one piece: "fuuuck", "sh*t", with its endings."""
    return "".join(_letter(character, 0 < at < len(word) - 1) for at, character in enumerate(word)) + _ENDINGS


def _spaced(word: str) -> str:
    """The word letter by letter: "f u c k", "s.h.i.t"."""
    return r"[\W_]{1,3}".join(re.escape(character) + "+" for character in word.replace(" ", ""))


_ENGLISH = re.compile(r"(?<![^\W_])(?:" + "|".join([*map(_compact, ENGLISH), *map(_spaced, ENGLISH)]) + r")(?![^\W_])")
_CHINESE = re.compile("|".join(map(re.escape, CHINESE)))


def has_profanity(text: str) -> bool:
    """Whether `text` holds a word of the lists: whole words in English, anywhere in Chinese."""
    for name in ENGLISH_NAMES:
        text = text.replace(name, " ")
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    plain = "".join(character for character in plain if unicodedata.category(character) != "Cf")
    if _ENGLISH.search(plain) or _ENGLISH.search(plain.translate(_LOOKALIKES)):
        return True
    return _CHINESE.search(_BETWEEN_CJK.sub("", unicodedata.normalize("NFKC", text))) is not None
