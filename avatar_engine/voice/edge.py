"""The online voice of Microsoft Edge through edge-tts: many languages, word times, no promise that it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from types import MappingProxyType
from typing import Any

import av
import numpy as np

from avatar_engine.errors import VoiceError
from avatar_engine.timing import SAMPLE_RATE_HZ, samples_to_ms
from avatar_engine.types import AudioChunk, Int16, Mark
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.chunks import Chunker
from avatar_engine.voice.language import detect_language
from avatar_engine.voice.trim import SilenceTrimmer
from avatar_engine.voice.words import split_words

FIRST_SOUND_S = 2.5
GAP_S = 3.0
_CONNECT_S = 2
_TICKS_PER_MS = 10_000

SPEAKERS: Mapping[str, str] = MappingProxyType(
    {
        "ar": "ar-EG-SalmaNeural",
        "de": "de-DE-KatjaNeural",
        "el": "el-GR-AthinaNeural",
        "en": "en-US-AriaNeural",
        "es": "es-ES-ElviraNeural",
        "fr": "fr-FR-DeniseNeural",
        "he": "he-IL-HilaNeural",
        "hi": "hi-IN-SwaraNeural",
        "id": "id-ID-GadisNeural",
        "it": "it-IT-ElsaNeural",
        "ja": "ja-JP-NanamiNeural",
        "ko": "ko-KR-SunHiNeural",
        "nl": "nl-NL-ColetteNeural",
        "pl": "pl-PL-ZofiaNeural",
        "pt": "pt-BR-FranciscaNeural",
        "ru": "ru-RU-SvetlanaNeural",
        "th": "th-TH-PremwadeeNeural",
        "tr": "tr-TR-EmelNeural",
        "vi": "vi-VN-HoaiMyNeural",
        "zh": "zh-CN-XiaoxiaoNeural",
    }
)

Message = Mapping[str, Any]
"""As edge-tts yields: {"type": "audio", "data": bytes of MP3}, or {"type": "WordBoundary", "offset", "duration"
(100 ns), "text"}."""
OpenStream = Callable[[str, str], AsyncGenerator[Message]]
"""Called with text and speaker; `open_edge_stream` in service."""


async def open_edge_stream(text: str, speaker: str, rate: float = 1.0) -> AsyncGenerator[Message]:
    """Ask the service; `rate` 2.0 is twice as fast.

    Raises `VoiceError`, also for an answer that edge-tts cannot read (ValueError, KeyError).
    """
    import aiohttp
    from edge_tts import Communicate
    from edge_tts.exceptions import EdgeTTSException

    try:
        percent = f"{round((rate - 1) * 100):+}%"
        request = Communicate(text, speaker, rate=percent, boundary="WordBoundary", connect_timeout=_CONNECT_S)
        async with aclosing(request.stream()) as messages:
            async for message in messages:
                yield message
    except (aiohttp.ClientError, EdgeTTSException, OSError, ValueError, KeyError) as error:
        raise VoiceError(f"the edge voice failed: {type(error).__name__}: {error}") from error


class EdgeVoice:
    """Speaks the languages of `SPEAKERS`, one speaker each. Nothing is kept between sentences."""

    card = VoiceCard(
        name="edge",
        languages=frozenset(SPEAKERS),
        offline=False,
        streaming=True,
        marks=frozenset({"word"}),
        licence="online service, no licence",
    )

    def __init__(
        self, open_stream: OpenStream = open_edge_stream, speakers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """`speakers` replaces those of `SPEAKERS` for the languages that it names."""
        self._open = open_stream
        self._speakers = {**SPEAKERS, **speakers}

    @classmethod
    def build(cls, options: Mapping[str, Any], env: object) -> EdgeVoice:
        """`options` "en" and "zh" name speakers, `rate` how fast they speak."""
        stream = partial(open_edge_stream, rate=options["rate"])
        return cls(stream, {language: options[language] for language in ("en", "zh")})

    async def warm(self) -> None:
        """Make contact: ask for a word and drop it at its first sound."""
        async with aclosing(self.speak("Hi.", "en")) as chunks:
            async for _ in chunks:
                return

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`. The first sound comes within 2.5 s, and no pause is longer than 3 s, or it is an error."""
        if not split_words(text):
            return
        language = language or detect_language(text)
        if language not in SPEAKERS:
            raise VoiceError(f"the edge voice has no speaker for {language!r}")
        sentence = _Sentence(text)
        clock = asyncio.get_running_loop().time
        deadline = clock() + FIRST_SOUND_S
        heard = False
        async with aclosing(self._open(text, self._speakers[language])) as messages:
            while (message := await _next(messages, deadline if not heard else clock() + GAP_S)) is not None:
                for chunk in sentence.take(message):
                    heard = True
                    yield chunk
        for chunk in sentence.finish():
            yield chunk

    async def close(self) -> None:
        """Nothing is held between sentences."""


class _Sentence:
    """Messages of one sentence in, chunks out: decodes, trims, places the words."""

    def __init__(self, text: str) -> None:
        self._words = _Words(text)
        self._decoder = _Mp3Decoder()
        self._trimmer = SilenceTrimmer()
        self._chunker = Chunker()
        self._waiting: list[Mark] = []

    def take(self, message: Message) -> list[AudioChunk]:
        if message["type"] == "audio":
            return self._sound(self._trimmer.push(self._decoder.decode(message["data"])))
        if message["type"] == "WordBoundary":
            start_ms = message["offset"] / _TICKS_PER_MS
            end_ms = start_ms + message["duration"] / _TICKS_PER_MS
            self._waiting.append(Mark("word", self._words.find(message["text"]), start_ms, end_ms))
        return []

    def finish(self) -> list[AudioChunk]:
        """The end of the sound. Raises `VoiceError` where there was none."""
        chunks = self._sound(self._trimmer.push(self._decoder.flush()))
        chunks += self._sound(self._trimmer.flush())
        if not self._trimmer.started:
            raise VoiceError("the edge voice sent no sound")
        return chunks + self._chunker.flush()

    def _sound(self, pcm: Int16) -> list[AudioChunk]:
        """Marks wait until it is known how much silence comes off before the first sound."""
        if self._trimmer.started:
            off_ms = samples_to_ms(self._trimmer.dropped)
            self._chunker.mark(
                Mark(mark.kind, mark.text, max(0.0, mark.start_ms - off_ms), max(0.0, mark.end_ms - off_ms))
                for mark in self._waiting
            )
            self._waiting.clear()
        return self._chunker.push(pcm)


class _Words:
    """Finds the words that the service reports in the text, to give them back as written, with their punctuation."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def find(self, word: str) -> str:
        begin = self._text.find(word, self._at)
        if begin < 0:
            return word
        end = begin + len(word)
        while begin > self._at and _is_sign(self._text[begin - 1]):
            begin -= 1
        while end < len(self._text) and _is_sign(self._text[end]):
            end += 1
        self._at = end
        return self._text[begin:end]


def _is_sign(character: str) -> bool:
    return not character.isalnum() and not character.isspace()


class _Mp3Decoder:
    """MP3 in pieces of any length to int16 mono at 48 kHz."""

    def __init__(self) -> None:
        self._codec: Any = av.CodecContext.create("mp3", "r")
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)

    def decode(self, data: bytes) -> Int16:
        """Raises `VoiceError` for bytes that are no MP3."""
        return self._pcm(self._codec.parse(data))

    def flush(self) -> Int16:
        """What the parser, the decoder and the resampler still hold."""
        return np.concatenate((self._pcm([*self._codec.parse(b""), None]), _samples(self._resampler.resample(None))))

    def _pcm(self, packets: list[Any]) -> Int16:
        try:
            frames = [frame for packet in packets for frame in self._codec.decode(packet)]
            return _samples(part for frame in frames for part in self._resampler.resample(frame))
        except av.error.FFmpegError as error:
            raise VoiceError(f"the edge voice sent sound that does not decode: {error}") from error


def _samples(frames: Any) -> Int16:
    return np.concatenate([np.zeros(0, np.int16), *(frame.to_ndarray().reshape(-1) for frame in frames)])


async def _next(messages: AsyncGenerator[Message], deadline: float) -> Message | None:
    """The next message, None at the end. Raises `VoiceError` after the deadline (seconds of the event loop)."""
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(messages, None)
    except TimeoutError as error:
        raise VoiceError("the edge voice did not answer in time") from error
