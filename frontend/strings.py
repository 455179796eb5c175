"""The texts of the site: one JSON file a language, read by the page and by the server alike."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STRINGS_FOLDER = Path(__file__).parent / "static" / "frontend" / "strings"
DEFAULT_LANGUAGE = "en"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the site. `code` names the strings file, `django_code` is Django's, `tag` is for the page."""

    code: str
    django_code: str
    tag: str
    name: str

    @property
    def static_path(self) -> str:
        """Path of the strings file below the static root."""
        return f"frontend/strings/{self.code}.json"


LANGUAGES = (
    Language("en", "en", "en", "English"),
    Language("zh", "zh-hans", "zh-Hans", "中文"),
)


@dataclass(frozen=True, slots=True)
class Strings:
    """The texts of one language by key."""

    language: Language
    table: Mapping[str, str]

    def text(self, key: str, values: Mapping[str, object] | None = None) -> str:
        """Text of `key` with {placeholders} filled; placeholders without a value stay. Raises `KeyError`."""
        known = values or {}
        return _PLACEHOLDER.sub(lambda found: str(known.get(found[1], found[0])), self.table[key])


def find_language(django_code: str | None) -> Language:
    """The site's language for what Django chose from the cookie or Accept-Language; English for anything else."""
    primary = (django_code or DEFAULT_LANGUAGE).split("-")[0]
    return next((language for language in LANGUAGES if language.code == primary), LANGUAGES[0])


def load_strings(language: Language) -> Strings:
    """Read the strings file of `language` from disk."""
    table: dict[str, str] = json.loads((STRINGS_FOLDER / f"{language.code}.json").read_text(encoding="utf-8"))
    return Strings(language, table)
