"""Numbers and signs in Chinese text, written as they are said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_DIGITS = "零一二三四五六七八九"
_STEPS = ("", "十", "百", "千")
_SCALES = ("", "万", "亿", "万亿")
_MOST_DIGITS = 16
"""A longer number is read digit by digit, as telephone numbers are."""
_CURRENCIES: Mapping[str, str] = MappingProxyType(
    {"$": "美元", "¥": "元", "￥": "元", "€": "欧元", "£": "英镑", "₩": "韩元", "₹": "卢比"}
)
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_MONEY = re.compile(rf"([{re.escape(''.join(_CURRENCIES))}])\s?({_NUMBER})([万亿]?)")
_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-4])[:：]([0-5]\d)(?!\d)")
_DATE = re.compile(r"(?<!\d)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(\d{4}|\d{2})(?=年)")
_PERCENT = re.compile(rf"({_NUMBER})\s?[%％]")
_TEMPERATURE = re.compile(rf"([-−]?)({_NUMBER})\s?(?:℃|°C)")
_PART = re.compile(r"(?<![\d/])(\d{1,3})/(\d{1,3})(?![\d/])")
_LONG = re.compile(r"(?<![\d.,])(?:0\d+|\d{11,})(?![\d.])")
_BELOW_ZERO = re.compile(r"(?<![\w）)])[-−](?=\d)")
_RANGE = re.compile(r"(?<=\d)\s?[-~～–]\s?(?=\d)")
_PAIR = re.compile(r"(?<![\d.,])2(?=[个位只条张本次杯件家座岁块点])")
_ANY = re.compile(_NUMBER)


def build_chinese_reading(text: str) -> str:
    """`text` without digits: amounts, times, dates, shares and temperatures in words."""
    text = text.translate(_WIDE)
    text = _MONEY.sub(lambda found: read_number(found[2]) + found[3] + _CURRENCIES[found[1]], text)
    text = _TIME.sub(lambda found: _read_time(int(found[1]), int(found[2])), text)
    text = _DATE.sub(lambda found: f"{_spell(found[1])}年{read_number(found[2])}月{read_number(found[3])}日", text)
    text = _YEAR.sub(lambda found: _spell(found[1]), text)
    text = _PERCENT.sub(lambda found: "百分之" + read_number(found[1]), text)
    text = _TEMPERATURE.sub(lambda found: ("零下" if found[1] else "") + read_number(found[2]) + "摄氏度", text)
    text = _PART.sub(lambda found: f"{read_number(found[2])}分之{read_number(found[1])}", text)
    text = _LONG.sub(lambda found: _spell(found[0]), text)
    text = _BELOW_ZERO.sub("负", text)
    text = _RANGE.sub("到", text)
    text = _PAIR.sub("两", text)
    return _ANY.sub(lambda found: read_number(found[0]), text)


def read_number(number: str) -> str:
    """Digits, with thousands commas and a decimal point where they are, in words."""
    whole, _, decimals = number.replace(",", "").partition(".")
    said = _spell(whole) if len(whole) > _MOST_DIGITS else _read_whole(int(whole))
    return said + ("点" + _spell(decimals) if decimals else "")


def _read_whole(number: int) -> str:
    if number < 10:
        return _DIGITS[number]
    said, gap = "", False
    for scale in reversed(range(len(_SCALES))):
        part = number // 10_000**scale % 10_000
        if part:
            # A missing thousand, or a whole group of zeros before, is said as one zero.
            said += ("零" if said and (gap or part < 1000) else "") + _read_part(part) + _SCALES[scale]
        gap = bool(said) and not part
    return said.removeprefix("一") if said.startswith("一十") else said


def _read_part(part: int) -> str:
    """1 to 9999."""
    said, gap = "", False
    for step in reversed(range(4)):
        digit = part // 10**step % 10
        if digit:
            said += ("零" if gap and said else "") + _DIGITS[digit] + _STEPS[step]
        gap = not digit
    return said


def _read_time(hour: int, minute: int) -> str:
    hours = ("两" if hour == 2 else _read_whole(hour)) + "点"
    if minute == 0:
        return hours + "整"
    return hours + ("零" if minute < 10 else "") + _read_whole(minute) + "分"


def _spell(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


_WIDE = str.maketrans("０１２３４５６７８９．", "0123456789.")
