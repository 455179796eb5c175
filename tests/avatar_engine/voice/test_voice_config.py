"""A room's list of voices: what is accepted, and what the errors say."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from avatar_engine.errors import UnknownEngine, VoiceConfigError
from avatar_engine.voice.config import MOST_VOICES, check_voice, check_voices
from avatar_engine.voice.options import OPTIONS
from avatar_engine.voice.registry import DEFAULT_CHAIN, VOICES, build_chain, build_voice


class NoEnv:
    data_dir = Path("/nonexistent")
    voice_cache_bytes = 0

    def secret(self, name: str) -> str | None:
        return None


def test_plain_names_are_voices_with_their_defaults() -> None:
    hibari, kokoro = check_voices(["hibari", "kokoro"])
    assert (hibari.voice, dict(hibari.options)) == ("hibari", {"rate": 1.0})
    assert dict(kokoro.options) == {"en": "af_heart", "zh": "zf_xiaoxiao", "rate": 1.0}
    assert kokoro == check_voice({"voice": "kokoro", "en": "af_heart"})


def test_options_are_taken() -> None:
    assert check_voice({"voice": "kokoro", "en": "am_michael"}).options["en"] == "am_michael"


def test_the_same_voice_may_come_twice_with_other_options() -> None:
    assert len(check_voices(["kokoro", {"voice": "kokoro", "en": "am_michael"}])) == 2


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ("hibari", "must be a list"),
        (["hibari"] * (MOST_VOICES + 1), "too many"),
        ([3], "voice 1: must be a name"),
        ([{"en": "af_heart"}], "voice 1: must be a name"),
        (["edge", "hibari", "edge"], "voice 3: the same voice"),
        (["hibari", {"voice": "kokoro", "speed": 2}], "voice 2: kokoro has no option 'speed'; it has en, zh, rate"),
        ([{"voice": "hibari", "en": "x"}], "voice 1: hibari has no option 'en'; it has rate"),
        ([{"voice": "kokoro", "en": "nobody"}], "voice 1: kokoro: en must be one of af_heart, am_michael"),
        (["http"], "voice 1: http: url must not be empty"),
        ([{"voice": "silence", "rate": 2}], "silence has no option 'rate'; it has none"),
        ([{"voice": "hibari", "rate": 3}], "hibari: rate must be a number from 0.5 to 2"),
        ([{"voice": "hibari", "rate": True}], "hibari: rate must be a number"),
        ([{"voice": "http", "url": "ftp://x/"}], "url must look like"),
        ([{"voice": "http", "url": "http://x/", "fields": {"a": [1]}}], "fields must hold texts"),
        ([{"voice": "http", "url": "http://x/", "languages": "English"}], "languages must be tags"),
        ([{"voice": "openai", "key_env": "SECRET_KEY"}], "openai: key_env must be the name of a variable"),
        ([{"voice": "openai", "key_env": "sk-abc"}], "openai: key_env must be the name of a variable"),
        ([{"voice": "piper", "model": "../../etc/x"}], "piper: model must be a name"),
        ([{"voice": "kokoro", "en": ["af_heart"]}], "voice 1: kokoro: en must be one of"),
    ],
)
def test_errors_say_where_and_why(entries: Any, error: str) -> None:
    with pytest.raises(VoiceConfigError, match=error):
        check_voices(entries)


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UnknownEngine, match=r"there are edge, espeak, .*silence"):
        check_voice("parrot")


def test_table_and_options_name_the_same_voices() -> None:
    assert VOICES.keys() == OPTIONS.keys()
    for name in VOICES:
        assert build_voice(SimpleNamespace(voice=name, options=_defaults(name)), NoEnv()).card.name.startswith(name)


def _defaults(name: str) -> dict[str, Any]:
    given = {"model": "some", "url": "http://127.0.0.1:1/"}
    return {field: option.default or given.get(field, option.default) for field, option in OPTIONS[name].items()}


async def test_default_chain_speaks_every_language() -> None:
    chain = build_chain(DEFAULT_CHAIN, NoEnv(), lambda: 0.0)
    assert [chain.choose(language).card.name for language in ("en", "zh", "sw")] == ["hibari", "edge", "silence"]
    await chain.close()
