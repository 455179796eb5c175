"""From what a model writes to what a voice can say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Code cannot be spoken. An open fence reaches to the end of the text.
    (re.compile(r"(`{3,}|~{3,}).*?(?:\1|\Z)", re.DOTALL), " "),
    (re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),
    (re.compile(r"\[([^\]\n]+)\]\([^)\n]*\)"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>\n]*>"), " "),
    # Of an address only its host is worth saying.
    (
        re.compile(r"\b(?:https?|ftp)://(?:www\.)?([\w.-]*\w)(?::\d+)?(?:[/?#]\S*?)?(?=[.,;:!?)\]}>\"'”’]*(?:\s|$))"),
        r"\1",
    ),
    (re.compile(r"\bwww\.(?=\w)"), ""),
    (re.compile(r"(?<=\w\.\w\w)(\w*)/[\w/?=&%#.~+-]*[\w/]"), r"\1"),
    # Marks at the start of a line: headings, quotes, bullets, rules; list numbers become a pause.
    (re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE), " "),
    (re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>+[ \t]*|[-*+•‣◦·–][ \t]+)+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*(\d{1,2})[.)][ \t]+(?=\S)", re.MULTILINE), r"\1, "),
    # A stage direction: "*waves* Hello".
    (re.compile(r"^\s*\*[a-z][^*\n]*\*(?!\*)"), " "),
    (re.compile(r"(?<=\d)\s*\*\s*(?=\d)"), " × "),
    (re.compile(r"(?<!\w)_+|_+(?!\w)|[*`\\]+|~~+"), ""),
    (re.compile(r"(?<![\w:;=])(?:[:;=8][-^']?[)(DPpO3/|\]\[]+|<3+|[xX]D+|\^_*\^)(?!\w)"), " "),
    (re.compile(r"(?<![\w&])#(?=[^\W\d_])"), ""),
    (re.compile(r"(?<![\w.])@(?=\w)"), ""),
    (re.compile(r"\s*\|+\s*"), ", "),
    (re.compile(r"[\[\]{}<>【】]"), " "),
    (re.compile(r"-{2,}"), "—"),
    (re.compile(r"[‘’]"), "'"),
    (re.compile(r"…{2,}"), "…"),
    (re.compile(r"\.{4,}"), "..."),
    (re.compile(r"([!?！？])(?:\s*\1)+"), r"\1"),
    (re.compile(r"(?:[!?]){3,}"), "?!"),
    (re.compile(r"([^\W\d_])\1{3,}"), r"\1\1\1"),
    (re.compile(r"\s+"), " "),
    (re.compile(r" +(?=[,.;:!?…](?:\s|$))"), ""),
    (re.compile(r"([,;:，；：])(?:\s*[,;:，；：])+"), r"\1"),
    (re.compile(r"[(（]\s*[)）]|\"\s*\"|“\s*”"), ""),
    (re.compile(r"^[\s,;:.!?…，。；：！？、)）\]—–-]+(?!\d)"), ""),
)
_ENTITIES: Mapping[str, str] = MappingProxyType(
    {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&apos;": "'", "&nbsp;": " "}
)
_WORDS: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = MappingProxyType(
    {
        "en": ((re.compile(r"\s&\s"), " and "), (re.compile(r"(?<=\w)@(?=\w)"), " at ")),
        "zh": ((re.compile(r"\s*&\s*"), "和"), (re.compile(r"°C"), "摄氏度"), (re.compile(r"(?<=\d)-(?=\d)"), "到")),
    }
)
_SPOKEN_SYMBOLS = "°№™®©"
_MARK_LEFT = re.compile(r"[^\W_]")
_ROUNDS = 6


def build_speakable(text: str, language: str) -> str:
    """What a voice should say for `text`; empty where nothing in it can be said.

    Markdown, code blocks, emoji, smileys, control characters and the tails of addresses go; the words of links,
    emphasis and inline code stay. Numbers, amounts, dates, times, units and abbreviations stay as written: voices
    read them, and captions show them. `language` is a BCP 47 primary tag. Applying it twice changes nothing more.
    """
    for _ in range(_ROUNDS):
        cleaned = _clean(text, language)
        if cleaned == text:
            break
        text = cleaned
    return text if _MARK_LEFT.search(text) else ""


def _clean(text: str, language: str) -> str:
    """One round. What a round uncovers ("&amp;lt;") is for the next."""
    text = unicodedata.normalize("NFC", text)
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    text = "".join(_keep(character) for character in text)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    for pattern, instead in _WORDS.get(language, ()):
        text = pattern.sub(instead, text)
    return text.strip()


def _keep(character: str) -> str:
    """The character, a line break for any break, a space for a picture, nothing for what cannot be seen."""
    if character in "\n\r\u2028\u2029":
        return "\n"
    if character == "\t" or character in _SPOKEN_SYMBOLS:
        return character
    category = unicodedata.category(character)
    if category in ("So", "Sk") and character not in "^`¨´":
        return " "
    if category in ("Cc", "Cf", "Co", "Cs", "Cn") or "\ufe00" <= character <= "\ufe0f" or character == "\u20e3":
        return ""
    return character
