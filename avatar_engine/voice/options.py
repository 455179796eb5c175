"""The one table of what each voice lets a room choose."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from avatar_engine.errors import VoiceConfigError

Check = Callable[[Any], Any]
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TAG = re.compile(r"[a-z]{2,3}")
_LONGEST = 500
SLOWEST, FASTEST = 0.5, 2.0
_MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name, what it is when a room does not say, and what may stand there.

    speakers: where the option chooses who speaks, the names that are known. ending: where it names a file of
    `DATA/voices/`, how that file's name ends.
    """

    name: str
    default: Any
    allow: Check
    speakers: tuple[str, ...] = ()
    ending: str = ""

    def check(self, value: Any) -> Any:
        """The value as voices read it. Raises `VoiceConfigError`, which begins with the option's name."""
        try:
            return self.allow(value)
        except ValueError as error:
            raise VoiceConfigError(f"{self.name} {error}") from error


def one_of(*choices: str) -> Check:
    """One of these texts."""

    def allow(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return allow


def text(value: Any) -> str:
    """Any text of at most 500 characters."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(f"must be a text of at most {_LONGEST} characters")
    return value.strip()


def some_text(value: Any) -> str:
    """A text that is not empty."""
    if not text(value):
        raise ValueError("must not be empty")
    return text(value)


def file_name(value: Any) -> str:
    """The name of a file without folder and ending."""
    if not isinstance(value, str) or not _FILE_NAME.fullmatch(value):
        raise ValueError("must be a name of letters, digits, dots, - and _")
    return value


def url(value: Any) -> str:
    """An address of the web."""
    address = some_text(value)
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
        raise ValueError("must look like https://host/path")
    return address


def key_name(value: Any) -> str:
    """The name of a variable that holds a key, or "".

    Nobody who may edit a room shall send other secrets of the environment to a server of their choice.
    """
    if value != "" and not (isinstance(value, str) and _KEY_NAME.fullmatch(value)):
        raise ValueError("must be the name of a variable that ends in _API_KEY, not the key itself")
    return str(value)


def languages(value: Any) -> tuple[str, ...]:
    """Language tags separated by spaces, or * for all."""
    tags = text(value).split()
    if not tags or not all(tag == "*" or _TAG.fullmatch(tag) for tag in tags):
        raise ValueError("must be tags such as en zh, or *")
    return tuple(sorted(set(tags)))


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def plain_fields(value: Any) -> dict[str, str | int | float | bool]:
    """An object of texts, numbers, true and false."""
    if not isinstance(value, Mapping) or len(value) > _MOST_FIELDS:
        raise ValueError(f"must be an object of at most {_MOST_FIELDS} fields")
    for name, entry in value.items():
        if not isinstance(name, str) or not isinstance(entry, str | int | float | bool):
            raise ValueError("must hold texts, numbers, true and false only")
    return dict(value)


def rate(value: Any) -> float:
    """How fast: 1 as the voice speaks by itself, 2 twice as fast."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not SLOWEST <= value <= FASTEST:
        raise ValueError(f"must be a number from {SLOWEST:g} to {FASTEST:g}")
    return float(value)


def _speaker(name: str, *choices: str) -> Option:
    return Option(name, choices[0], one_of(*choices), speakers=choices)


def _table(*options: Option) -> Mapping[str, Option]:
    return MappingProxyType({option.name: option for option in options})


_RATE = Option("rate", 1.0, rate)
_OPENAI_SPEAKERS = ("coral", "alloy", "ash", "ballad", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse")

OPTIONS: Mapping[str, Mapping[str, Option]] = MappingProxyType(
    {
        "hibari": _table(_RATE),
        "kokoro": _table(_speaker("en", "af_heart", "am_michael"), _speaker("zh", "zf_xiaoxiao"), _RATE),
        "edge": _table(
            _speaker("en", "en-US-AriaNeural", "en-US-GuyNeural", "en-GB-SoniaNeural", "en-GB-RyanNeural"),
            _speaker("zh", "zh-CN-XiaoxiaoNeural", "zh-CN-YunxiNeural", "zh-CN-XiaoyiNeural", "zh-CN-YunyangNeural"),
            _RATE,
        ),
        "openai": _table(
            Option("base_url", "https://api.openai.com/v1", url),
            Option("key_env", "OPENAI_API_KEY", key_name),
            Option("model", "gpt-4o-mini-tts", some_text),
            Option("speaker", "coral", some_text, speakers=_OPENAI_SPEAKERS),
            Option("instructions", "", text),
            Option("languages", "*", languages),
            _RATE,
        ),
        "http": _table(
            Option("url", "", url),
            Option("method", "GET", one_of("GET", "POST")),
            Option("text_field", "text", some_text),
            Option("language_field", "", text),
            Option("language_upper", False, flag),
            Option("fields", {}, plain_fields),
            Option("key_env", "", key_name),
            Option("languages", "*", languages),
        ),
        "piper": _table(Option("model", "", file_name, ending=".onnx"), _RATE),
        "espeak": _table(_RATE),
        "silence": _table(),
    }
)
