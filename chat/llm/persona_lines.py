"""The end of every chain: the presenter says herself that her mind is away."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable

from chat.llm.base import PromptMessage
from chat.persona import RESTING_LINES, ReplyLanguage, build_arriving_lines, is_chinese


class PersonaLines:
    """Canned lines in the viewer's language. Deterministic, needs nothing, never fails.

    The lines say honestly that the language model is resting, or how far its file has arrived. Each language and kind
    goes round its own list, so that no line comes twice before all the others were said.
    """

    def __init__(self, arriving_percent: Callable[[], int | None]) -> None:
        """`arriving_percent` says how much of the model's file is here, 0 to 99, or None where none is on its way."""
        self._arriving_percent = arriving_percent
        self._said: Counter[tuple[ReplyLanguage, bool]] = Counter()

    @property
    def name(self) -> str:
        return "persona lines"

    async def stream(self, messages: list[PromptMessage]) -> AsyncGenerator[str, None]:
        asked = next((message["content"] for message in reversed(messages) if message["role"] == "user"), "")
        language: ReplyLanguage = "zh" if is_chinese(asked) else "en"
        percent = self._arriving_percent()
        lines = RESTING_LINES[language] if percent is None else build_arriving_lines(language, percent)
        key = (language, percent is None)
        line = lines[self._said[key] % len(lines)]
        self._said[key] += 1
        yield line

    async def close(self) -> None:
        """Nothing to release."""
