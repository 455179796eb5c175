"""espeak-ng, where the user installed it: a program of its own under the GPL, never imported."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Any

from avatar_engine.errors import VoiceError
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.language import detect_language
from avatar_engine.voice.pcm_stream import PcmStream
from avatar_engine.voice.program import read_output
from avatar_engine.voice.words import split_words

PROGRAM = "espeak-ng"
VARIANTS: Mapping[str, str] = MappingProxyType(
    {
        **{"en": "en-us", "es": "es", "fr": "fr-fr", "pt": "pt-br", "vi": "vi"},
        **{tag: tag for tag in ("ar", "cs", "da", "de", "el", "fa", "fi", "he", "hi", "hu", "id", "it", "ko")},
        **{tag: tag for tag in ("nb", "nl", "pl", "ro", "ru", "sk", "sv", "sw", "th", "tr", "uk", "ur")},
    }
)
"""How espeak-ng calls its voice for a language. Chinese and Japanese are left out: nobody understands them."""
WORDS_PER_MINUTE = 175
"""What espeak-ng does by itself."""
_HEADER = 44
_RATE_AT = slice(24, 28)


class EspeakVoice:
    """Speaks many languages as a machine does. A process for each sentence; no marks: the program reports none.

    Its card looks for the program each time: where it is absent it speaks no language.
    """

    def __init__(self, rate: float = 1.0) -> None:
        """`rate` 2.0 is twice as fast."""
        self._rate = rate

    @classmethod
    def build(cls, options: Mapping[str, Any], env: object) -> EspeakVoice:
        """The option `rate` says how fast it speaks."""
        return cls(options["rate"])

    @property
    def card(self) -> VoiceCard:
        here = shutil.which(PROGRAM) is not None
        return VoiceCard(
            name="espeak",
            languages=frozenset(VARIANTS if here else ()),
            offline=here,
            streaming=True,
            marks=frozenset(),
            licence="GPL-3.0, a program of its own",
        )

    async def warm(self) -> None:
        """Speak once into nothing. Raises `VoiceError`."""
        async for _ in self.speak("Hi.", "en"):
            pass

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`."""
        if not split_words(text):
            return
        language = language or detect_language(text)
        if language not in VARIANTS:
            raise VoiceError(f"espeak-ng has no voice for {language!r}")
        stream, header = None, b""
        speed = str(round(WORDS_PER_MINUTE * self._rate))
        command = [PROGRAM, "-v", VARIANTS[language], "-s", speed, "--stdin", "--stdout"]
        async with aclosing(read_output(command, text)) as pieces:
            async for piece in pieces:
                if stream is None:
                    header += piece
                    if len(header) < _HEADER:
                        continue
                    stream, piece = PcmStream(_read_rate(header)), header[_HEADER:]
                for chunk in stream.push(piece):
                    yield chunk
        if stream is None:
            raise VoiceError("espeak-ng gave no sound")
        for chunk in stream.finish():
            yield chunk

    async def close(self) -> None:
        """Nothing is held between sentences."""


def _read_rate(header: bytes) -> int:
    """The sample rate of a WAV file with one channel and 16 bits, which is what espeak-ng writes."""
    if header[:4] != b"RIFF" or header[36:40] != b"data":
        raise VoiceError("espeak-ng gave no WAV file")
    return int.from_bytes(header[_RATE_AT], "little")
