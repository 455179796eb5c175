"""What the presenter says while there is no language model."""

from __future__ import annotations

import pytest

from chat.llm.base import PromptMessage
from chat.llm.persona_lines import PersonaLines
from chat.persona import RESTING_LINES, is_chinese


async def reply(model: PersonaLines, text: str) -> str:
    prompt: list[PromptMessage] = [
        {"role": "user", "content": "小雨: 你好"},
        {"role": "assistant", "content": "你好小雨！"},
        {"role": "user", "content": text},
    ]
    return "".join([piece async for piece in model.stream(prompt)])


@pytest.mark.parametrize(
    ("text", "chinese"), [("Ana: hello", False), ("小明: 你好", True), ("- 小明\n\nAna: hi", False)]
)
async def test_they_speak_the_language_of_the_line_to_be_answered(text: str, chinese: bool) -> None:
    assert is_chinese(await reply(PersonaLines(lambda: None), text)) is chinese


async def test_no_line_comes_twice_before_all_were_said() -> None:
    model = PersonaLines(lambda: None)
    said = [await reply(model, "Ana: hello") for _ in range(2 * len(RESTING_LINES["en"]))]
    half = len(RESTING_LINES["en"])
    assert set(said[:half]) == set(RESTING_LINES["en"])
    assert said[half:] == said[:half]


async def test_languages_take_turns_on_their_own() -> None:
    model = PersonaLines(lambda: None)
    assert await reply(model, "Ana: hello") == RESTING_LINES["en"][0]
    assert await reply(model, "小明: 你好") == RESTING_LINES["zh"][0]


@pytest.mark.parametrize("text", ["Ana: hello", "小明: 你好"])
async def test_they_say_how_far_the_model_has_arrived(text: str) -> None:
    percent: int | None = 42
    model = PersonaLines(lambda: percent)
    assert all(["42" in await reply(model, text) for _ in range(5)])
    percent = None
    assert "42" not in await reply(model, text)
