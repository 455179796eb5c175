"""Which language a text is in, by its script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_KANA = re.compile("[\u3040-\u30ff\uff66-\uff9d]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_SCRIPTS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "ko": re.compile("[\uac00-\ud7af\u1100-\u11ff]"),
        "ru": re.compile("[\u0400-\u04ff]"),
        "el": re.compile("[\u0370-\u03ff]"),
        "he": re.compile("[\u0590-\u05ff]"),
        "ar": re.compile("[\u0600-\u06ff]"),
        "hi": re.compile("[\u0900-\u097f]"),
        "th": re.compile("[\u0e00-\u0e7f]"),
    }
)
_HAN_WEIGHT = 3
"""One Chinese character says about as much as three letters."""
_KANA_SHARE = 0.1


def detect_language(text: str, latin: str = "en") -> str:
    """The BCP 47 primary tag of `text`; `latin` where Latin letters, which do not tell, or no letters make it up.

    Where scripts are mixed, the one that says most wins. Any real share of kana makes Chinese characters Japanese.
    """
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    east = "ja" if kana > _KANA_SHARE * (kana + han) else "zh"
    said = {latin: len(_LATIN.findall(text)), east: (kana + han) * _HAN_WEIGHT}
    said |= {language: len(script.findall(text)) for language, script in _SCRIPTS.items()}
    return max(said, key=lambda language: said[language])
