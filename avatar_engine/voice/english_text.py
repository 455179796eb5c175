"""What hibari's reading of English gets wrong, written so that it reads it well.

It reads numbers, years, dates, times, ordinals, percent, most units and abbreviations by itself; those stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_MONEY: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "$": ("dollar", "dollars", "cents"),
        "£": ("pound", "pounds", "pence"),
        "€": ("euro", "euros", "cents"),
        "¥": ("yen", "yen", "sen"),
        "₹": ("rupee", "rupees", "paise"),
        "₩": ("won", "won", "jeon"),
    }
)
_SCALES = MappingProxyType({"k": "thousand", "m": "million", "b": "billion", "bn": "billion", "t": "trillion"})
_AMOUNT = re.compile(
    r"([$£€¥₹₩])\s?(\d+(?:,\d{3})*)(?:\.(\d+))?(?!\d)(?:\s?(k|m|bn|b|t|thousand|million|billion|trillion)\b)?",
    re.IGNORECASE,
)
_CODES = MappingProxyType({"USD": "US dollars", "EUR": "euros", "GBP": "pounds", "JPY": "yen", "CNY": "yuan"})
_CODE = re.compile(rf"(?<=\d)\s?({'|'.join(_CODES)})\b")
_UNITS = MappingProxyType(
    {
        "m": "meters",
        "g": "grams",
        "l": "liters",
        "L": "liters",
        "h": "hours",
        "s": "seconds",
        "V": "volts",
        "W": "watts",
    }
)
_UNIT = re.compile(rf"(?<=\d)\s({'|'.join(_UNITS)})(?![\w'’])")
_VERSION = re.compile(r"\d+(?:\.\d+){2,}")
_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\betc\.(?=\s*\S)"), "et cetera"),
    (re.compile(r"\b([CF])#"), r"\1 sharp"),
    (re.compile(r"(?<=[^\W_]{2})\.(?=[a-z]{2})"), " dot "),
    (re.compile(r"(?<![\w.])\.(?=\d)"), "0."),
    (re.compile(r"[~≈]\s?(?=\d)"), "about "),
    (re.compile(r"\s?≤\s?"), " at most "),
    (re.compile(r"\s?≥\s?"), " at least "),
    (re.compile(r"\s?≠\s?"), " is not "),
    (re.compile(r"(\d+)['′]\s?(\d+)[\"″]"), r"\1 foot \2"),
)


def build_reading(text: str) -> str:
    """English text with amounts of money, versions, names with dots and a few signs in words."""
    text = _AMOUNT.sub(_money, text)
    text = _CODE.sub(lambda match: " " + _CODES[match[1]], text)
    text = _UNIT.sub(lambda match: " " + _UNITS[match[1]], text)
    text = _VERSION.sub(lambda match: match[0].replace(".", " point "), text)
    for pattern, words in _PLAIN:
        text = pattern.sub(words, text)
    return text


def _money(match: re.Match[str]) -> str:
    """Hibari carries a currency on to the next number of the sentence ("$3.50, 25% off": "twenty-five dollars")."""
    sign, whole, part, scale = match.groups()
    one, many, small = _MONEY[sign]
    if scale:
        number = whole if part is None else f"{whole}.{part}"
        return f"{number} {_SCALES.get(scale.lower(), scale)} {many}"
    unit = one if whole == "1" else many
    if part is None or not part.strip("0"):
        return f"{whole} {unit}"
    if len(part) != 2:
        return f"{whole}.{part} {many}"
    return f"{int(part)} {small}" if whole == "0" else f"{whole} {unit} and {int(part)} {small}"
