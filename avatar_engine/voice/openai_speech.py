"""A voice of OpenAI, or of any server with the same address for speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Protocol

from avatar_engine.errors import VoiceNotReady
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.http_call import Call, read_answer
from avatar_engine.voice.pcm_stream import PcmStream
from avatar_engine.voice.words import split_words

RATE_HZ = 24_000
"""The service sends `pcm` as int16 little-endian mono at this rate, without a header."""


class Secrets(Protocol):
    """What voices behind a key want of the environment."""

    def secret(self, name: str) -> str | None: ...


class OpenAISpeech:
    """Streams: the first sound comes while the rest is made. No marks. A connection for each sentence."""

    def __init__(self, options: Mapping[str, Any], key: str | None) -> None:
        """`options` as `OPTIONS["openai"]`; `key` is None where its variable is not set."""
        self._options = options
        self._key = key
        self.card = VoiceCard(
            name="openai",
            languages=frozenset(options["languages"]),
            offline=False,
            streaming=True,
            marks=frozenset(),
            licence="online service, no licence",
        )

    @classmethod
    def build(cls, options: Mapping[str, Any], env: Secrets) -> OpenAISpeech:
        """The key comes from the environment, by the name in `key_env`; "" where the server wants none."""
        name = options["key_env"]
        return cls(options, env.secret(name) if name else "")

    async def warm(self) -> None:
        """Make contact: ask for a word and drop it at its first sound."""
        async with aclosing(self.speak("Hi.", "en")) as chunks:
            async for _ in chunks:
                return

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`."""
        if not split_words(text):
            return
        if self._key is None:
            raise VoiceNotReady(f"{self._options['key_env']} is not set", retryable=False)
        stream = PcmStream(RATE_HZ)
        async with aclosing(read_answer(self._build_call(text, self._key))) as pieces:
            async for piece in pieces:
                for chunk in stream.push(piece):
                    yield chunk
        for chunk in stream.finish():
            yield chunk

    async def close(self) -> None:
        """Nothing is held between sentences."""

    def _build_call(self, text: str, key: str) -> Call:
        options = self._options
        body: dict[str, Any] = {
            "model": options["model"],
            "voice": options["speaker"],
            "input": text,
            "response_format": "pcm",
        }
        if options["rate"] != 1.0:
            body["speed"] = options["rate"]
        if options["instructions"]:
            body["instructions"] = options["instructions"]
        return Call("POST", options["base_url"].rstrip("/") + "/audio/speech", body=body, key=key)
