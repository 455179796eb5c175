"""Language models in order of preference, behind one face."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from chat.llm.base import ChatModel, ChatModelError, PromptMessage

Outcome = Literal["answered", "failed", "rested", "cancelled"]

FIRST_REST_S = 5.0
LONGEST_REST_S = 60.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one model did in one turn.

    outcome:        "rested": not asked, because it failed a moment ago; "cancelled": the reader closed the stream.
    reason:         the error, or "".
    first_token_ms: from asking this model to its first text; None where there was none.
    total_ms:       from asking this model to the end of its stream, the reader's time included.
    """

    model: str
    outcome: Outcome
    reason: str
    first_token_ms: float | None
    total_ms: float


class ModelChain:
    """Asks its models in order. The next one is asked only while no text of this reply has come.

    A model that failed rests, twice as long each time in a row, so that a dead endpoint does not cost every turn its
    connect time. The last model is always asked.
    """

    def __init__(self, models: Sequence[ChatModel], clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        if not models:
            raise ValueError("a chain wants at least one model")
        self._links = tuple(_Link(model) for model in models)
        self._clock = clock

    @property
    def name(self) -> str:
        return " > ".join(link.model.name for link in self._links)

    def stream(self, messages: list[PromptMessage]) -> ChainStream:
        """See `ChatModel.stream`. The stream says which models were asked. Raises what the last model asked raised."""
        return ChainStream(self._links, messages, self._clock)

    def rests(self, model: str) -> bool:
        """Whether the model of this name is left alone for now, because it failed a moment ago."""
        return any(link.model.name == model and link.rests_at(self._clock()) for link in self._links)

    async def close(self) -> None:
        for link in self._links:
            await link.model.close()


class ChainStream:
    """The text of one reply.

    attempts: grows while the reply is read; whole once the stream has ended or was closed.
    model:    name of the model whose text this is; None until the first text came.
    """

    def __init__(self, links: Sequence[_Link], messages: list[PromptMessage], clock: Callable[[], float]) -> None:
        self.attempts: list[Attempt] = []
        self.model: str | None = None
        self._clock = clock
        self._text = self._read(links, messages)

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        return await anext(self._text)

    async def aclose(self) -> None:
        await self._text.aclose()

    async def _read(self, links: Sequence[_Link], messages: list[PromptMessage]) -> AsyncGenerator[str, None]:
        for link in links:
            is_last = link is links[-1]
            if link.rests_at(self._clock()) and not is_last:
                self.attempts.append(Attempt(link.model.name, "rested", link.reason, None, 0.0))
                continue
            started_s = self._clock()
            first_token_ms: float | None = None
            outcome: Outcome = "cancelled"
            reason = ""
            try:
                async with aclosing(link.model.stream(messages)) as pieces:
                    async for piece in pieces:
                        if first_token_ms is None:
                            first_token_ms = (self._clock() - started_s) * 1000
                            self.model = link.model.name
                        yield piece
                outcome = "answered"
                link.answered()
                return
            except ChatModelError as error:
                outcome, reason = "failed", str(error)
                link.failed(error, self._clock())
                if is_last or first_token_ms is not None:
                    raise
            finally:
                total_ms = (self._clock() - started_s) * 1000
                self.attempts.append(Attempt(link.model.name, outcome, reason, first_token_ms, total_ms))


class _Link:
    """One model of a chain and how long it still rests."""

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self.reason = ""
        self._failures = 0
        self._rests_until_s = float("-inf")

    def rests_at(self, now_s: float) -> bool:
        return now_s < self._rests_until_s

    def answered(self) -> None:
        self._failures = 0

    def failed(self, error: ChatModelError, now_s: float) -> None:
        rest_s = LONGEST_REST_S if not error.retryable else FIRST_REST_S * 2.0**self._failures
        self._failures += 1
        self.reason = str(error)
        self._rests_until_s = now_s + min(LONGEST_REST_S, rest_s)
