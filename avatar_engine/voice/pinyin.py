"""Pinyin syllables to the phonemes of Kokoro's alphabet.

The sounds are those that misaki gave the network in its training, after the tables of pinyin-to-ipa (MIT), which
follow Duanmu, The Phonology of Standard Chinese (2007), and Lin, The Sounds of Chinese (2007).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_INITIALS: Mapping[str, str] = MappingProxyType(
    {
        **{"zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n"},
        **{"l": "l", "g": "k", "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ"},
        "s": "s",
    }
)
_FINALS: Mapping[str, str] = MappingProxyType(
    {
        **{"a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0", "en": "ə0n"},
        **{"eng": "ə0ŋ", "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ", "iao": "jau0", "ie": "je0"},
        **{"in": "i0n", "iou": "jou0", "ing": "i0ŋ", "iong": "jʊ0ŋ", "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0"},
        **{"uei": "wei0", "ua": "wa0", "uai": "wai0", "uan": "wa0n", "uen": "wə0n", "uang": "wa0ŋ", "ueng": "wə0ŋ"},
        **{"uo": "wo0", "o": "wo0", "ü": "y0", "üe": "ɥe0", "üan": "ɥɛ0n", "ün": "y0n"},
    }
)
_ALONE: Mapping[str, str] = MappingProxyType(
    {"er": "ɚ0", "o": "ɔ0", "ê": "ɛ0", "m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0", "hng": "hŋ0"}
)
_WRITTEN_SHORT: Mapping[str, str] = MappingProxyType({"iu": "iou", "ui": "uei", "un": "uen", "ue": "üe"})
_TONES: Mapping[str, str] = MappingProxyType({"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""})
_BUZZING = frozenset({"zh", "ch", "sh", "r", "z", "c", "s"})
"""Initials after which a written i is the same sound drawn out."""


def build_syllable(pinyin: str) -> str:
    """Phonemes of a syllable with its tone as a digit, 5 for none ("hao3", "lve4"); "" for what is no pinyin."""
    syllable, tone = pinyin[:-1].replace("v", "ü"), _TONES.get(pinyin[-1:])
    if tone is None:
        return ""
    if syllable in _ALONE:
        return _ALONE[syllable].replace("0", tone)
    initial, final = _split(syllable)
    sound = "ɨ0" if final == "i" and initial in _BUZZING else _FINALS.get(final, "")
    return (_INITIALS[initial] if initial else "") * bool(sound) + sound.replace("0", tone)


def _split(syllable: str) -> tuple[str, str]:
    """Initial, or "" for none, and final, both written out."""
    initial = next((known for known in _INITIALS if syllable.startswith(known)), "")
    final = syllable.removeprefix(initial)
    if not initial and final[:1] in ("y", "w"):
        final = _write_out(final)
    if initial in ("j", "q", "x") and final.startswith("u"):
        final = "ü" + final[1:]
    return initial, _WRITTEN_SHORT.get(final, final)


def _write_out(syllable: str) -> str:
    """The final of a syllable that begins with the written glide y or w."""
    glide, rest = syllable[0], syllable[1:]
    if rest == "o" and glide == "y":
        return "o"
    if rest == "ong" and glide == "w":
        return "ong"
    if glide == "w":
        return "u" + rest.removeprefix("u")
    if rest.startswith("u"):
        return "ü" + rest[1:]
    return "i" + rest.removeprefix("i")
