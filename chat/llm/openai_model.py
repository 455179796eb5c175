"""A language model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast
from urllib.parse import urlsplit

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from chat.llm.base import ChatModelError, PromptMessage

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_RETRYABLE_STATUSES = (408, 409, 425, 429)
_CLOSE_LIMIT_S = 1.0
_WARM_LIMIT_S = 180.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a model may keep a turn waiting, in seconds.

    connect_s:     until the connection stands.
    first_token_s: from the request to the first text.
    gap_s:         from one piece of the stream to the next.
    total_s:       all waiting within one reply; time that the reader of the stream takes does not count.
    """

    connect_s: float = 2.0
    first_token_s: float = 8.0
    gap_s: float = 5.0
    total_s: float = 30.0


class OpenAIChatModel:
    """Streams replies from one model at one endpoint, with one HTTP client."""

    def __init__(
        self,
        name: str,
        base_url: str,
        api_key: str,
        model: str,
        temperature: float,
        max_tokens: int,
        timeouts: Timeouts | None = None,
        stop: Sequence[str] = (),
    ) -> None:
        """`api_key` may be any text where the endpoint wants none, but not empty. A text of `stop` ends the reply."""
        self._name = name
        self._model = model
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._stop = list(stop)
        self._timeouts = timeouts or Timeouts()
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            max_retries=0,
            timeout=openai.Timeout(None, connect=self._timeouts.connect_s),  # the others are kept by `_Patience`
            http_client=_build_loopback_client() if urlsplit(base_url).hostname in _LOOPBACK_HOSTS else None,
        )

    @property
    def name(self) -> str:
        return self._name

    def stream(self, messages: list[PromptMessage]) -> AsyncGenerator[str, None]:
        """See `ChatModel.stream`. A reply without any text is an error, so that the next model gets its chance."""
        return self._stream(messages, self._max_tokens, self._timeouts)

    async def warm(self, prefix: list[PromptMessage]) -> None:
        """Let the server read `prefix` into its prompt cache: seconds, or minutes on a busy machine.

        Raises `ChatModelError`.
        """
        patient = replace(self._timeouts, first_token_s=_WARM_LIMIT_S, total_s=_WARM_LIMIT_S)
        async for _ in self._stream([*prefix, PromptMessage(role="user", content="Hello!")], 1, patient):
            pass

    async def close(self) -> None:
        await self._client.close()

    async def _stream(
        self, messages: list[PromptMessage], max_tokens: int, timeouts: Timeouts
    ) -> AsyncGenerator[str, None]:
        patience = _Patience(self._name, timeouts)
        request = self._client.chat.completions.create(
            model=self._model,
            messages=cast(Iterable[ChatCompletionMessageParam], messages),
            temperature=self._temperature,
            max_tokens=max_tokens,
            stop=self._stop or openai.omit,
            stream=True,
        )
        response = await patience.wait(request)
        try:
            while True:
                try:
                    chunk = await patience.wait(anext(response))
                except StopAsyncIteration:
                    break
                if text := _text_of(chunk):
                    patience.text_came()
                    yield text
        finally:
            # Closing the connection is what cancels the request at the server. A hung close must not hang the turn.
            with contextlib.suppress(TimeoutError, openai.OpenAIError):
                async with asyncio.timeout(_CLOSE_LIMIT_S):
                    await response.close()
        if not patience.has_text:
            raise ChatModelError(f"{self._name} sent no text", retryable=True)


class _Patience:
    """Waits for one reply within its limits and turns every failure into a `ChatModelError`."""

    def __init__(self, name: str, timeouts: Timeouts) -> None:
        self._name = name
        self._timeouts = timeouts
        self._waited_s = 0.0
        self.has_text = False

    def text_came(self) -> None:
        self.has_text = True

    async def wait(self, awaitable: Awaitable[_T]) -> _T:
        """The result of `awaitable`. StopAsyncIteration and cancellation pass."""
        limit_s = self._timeouts.gap_s if self.has_text else self._timeouts.first_token_s - self._waited_s
        limit_s = min(limit_s, self._timeouts.total_s - self._waited_s)
        clock = asyncio.get_running_loop().time
        started_s = clock()
        try:
            async with asyncio.timeout(limit_s):
                return await awaitable
        except TimeoutError as error:
            raise ChatModelError(f"{self._name} {self._what_was_late(limit_s)}", retryable=True) from error
        except openai.APIStatusError as error:
            retryable = error.status_code in _RETRYABLE_STATUSES or error.status_code >= 500
            raise ChatModelError(f"{self._name} answered HTTP {error.status_code}", retryable=retryable) from error
        except openai.APITimeoutError as error:
            raise ChatModelError(f"{self._name} could not be reached in time", retryable=True) from error
        except openai.APIConnectionError as error:
            what = "broke off" if self.has_text else "could not be reached"
            raise ChatModelError(f"{self._name} {what}", retryable=True) from error
        except openai.OpenAIError as error:
            raise ChatModelError(f"{self._name} reported an error: {error}", retryable=True) from error
        except ValueError as error:  # text that is not JSON, bytes that are not UTF-8
            raise ChatModelError(f"{self._name} sent something unreadable", retryable=True) from error
        finally:
            self._waited_s += clock() - started_s

    def _what_was_late(self, limit_s: float) -> str:
        if self._waited_s + limit_s >= self._timeouts.total_s:
            return f"was not done after {self._timeouts.total_s:g} s"
        if self.has_text:
            return f"fell silent for {self._timeouts.gap_s:g} s"
        return f"sent no text within {self._timeouts.first_token_s:g} s"


def _build_loopback_client() -> httpx2.AsyncClient:
    """No proxy of the environment may catch requests to this very machine, and connections are not kept.

    The embedded server closes kept connections when it likes, which loses about one request in a hundred. A new
    connection to this machine costs less than a millisecond.
    """
    return openai.DefaultAsyncHttpxClient(trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))


def _text_of(chunk: ChatCompletionChunk) -> str:
    """The text of a chunk; "" where it carries none. The client checks no shapes, so this does."""
    choices = getattr(chunk, "choices", None)
    if not isinstance(choices, list) or not choices:
        return ""
    text = getattr(getattr(choices[0], "delta", None), "content", None)
    return text if isinstance(text, str) else ""
