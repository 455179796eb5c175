"""Any server that takes a text and gives a sound file: Bert-VITS2, GPT-SoVITS, Piper's own server and their like."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from avatar_engine.errors import VoiceNotReady
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.http_call import Call, read_answer
from avatar_engine.voice.language import detect_language
from avatar_engine.voice.openai_speech import Secrets
from avatar_engine.voice.pcm_stream import read_sound_file
from avatar_engine.voice.words import split_words


class HttpVoice:
    """GET puts the text and the fields into the query, POST into a JSON body; the answer is a whole file. No marks."""

    def __init__(self, options: Mapping[str, Any], key: str | None) -> None:
        """`options` as `OPTIONS["http"]`; `key` is None where its variable is not set."""
        self._options = options
        self._key = key
        self.card = VoiceCard(
            name="http",
            languages=frozenset(options["languages"]),
            offline=False,
            streaming=False,
            marks=frozenset(),
            licence="that of the server",
        )

    @classmethod
    def build(cls, options: Mapping[str, Any], env: Secrets) -> HttpVoice:
        """The key comes from the environment, by the name in `key_env`; "" where the server wants none."""
        name = options["key_env"]
        return cls(options, env.secret(name) if name else "")

    async def warm(self) -> None:
        """Make contact: ask for a word."""
        language = next(iter(self.card.languages - {"*"}), "en")
        async for _ in self.speak("你好。" if language == "zh" else "Hi.", language):
            pass

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`."""
        if not split_words(text):
            return
        if self._key is None:
            raise VoiceNotReady(f"{self._options['key_env']} is not set", retryable=False)
        async with aclosing(
            read_answer(self._build_call(text, language or detect_language(text), self._key))
        ) as pieces:
            data = b"".join([piece async for piece in pieces])
        for chunk in read_sound_file(data):
            yield chunk

    async def close(self) -> None:
        """Nothing is held between sentences."""

    def _build_call(self, text: str, language: str, key: str) -> Call:
        options = self._options
        fields = {**options["fields"], options["text_field"]: text}
        if options["language_field"]:
            fields[options["language_field"]] = language.upper() if options["language_upper"] else language
        if options["method"] == "GET":
            query = {
                name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in fields.items()
            }
            query[options["text_field"]] = text
            return Call("GET", options["url"], query=query, key=key)
        return Call("POST", options["url"], body=fields, key=key)
