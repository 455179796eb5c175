"""The prefix of every prompt."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chat.persona import build_persona_prefix
from chat.prompt import build_block
from memory.store import Recollection


@pytest.mark.parametrize("language", ["en", "zh", "zh-Hans", "de"])
def test_prefix_is_the_same_bytes_every_time(language: str) -> None:
    assert build_persona_prefix("Mira", language, "a", "b") == build_persona_prefix("Mira", language, "a", "b")


def test_prefix_is_a_system_message_and_whole_exchanges() -> None:
    prefix = build_persona_prefix("Mira", "en", "", "")
    assert [message["role"] for message in prefix] == ["system"] + ["user", "assistant"] * (len(prefix) // 2)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_presenter_bears_the_name_of_the_room(language: str) -> None:
    text = "".join(message["content"] for message in build_persona_prefix("Nova", language, "", ""))
    assert "Nova" in text
    assert "{name}" not in text
    assert "Mira" not in text
    assert "AI" in text


def test_words_of_the_operator_stay_as_they_are() -> None:
    system = build_persona_prefix("Mira", "en", "Sells {tea}.", "Never mention %s prices.")[0]["content"]
    assert system.endswith("\nSells {tea}.\nNever mention %s prices.")


def test_presenter_without_a_name_has_the_default_one() -> None:
    assert build_persona_prefix("  ", "en", "", "") == build_persona_prefix("Mira", "en", "", "")


@pytest.mark.parametrize(
    ("language", "name", "text"), [("en", "Mia", "I play the cello"), ("zh", "小米", "我会拉大提琴")]
)
def test_examples_look_like_the_prompts_of_a_turn(language: str, name: str, text: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    remembered = Recollection(text=text, speaker="viewer", name=name, at=at, own=True)
    example = build_persona_prefix("Mira", language, "", "")[-2]["content"]
    assert example.startswith(f"{build_block('Mira', [remembered], [])}\n{name}: ")
