"""Sound of texts that web asks for: clips of the API speak with the voices of the stage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import numpy as np

from avatar_engine.clips.wire import MOST_CLIP_S, pack_sound
from avatar_engine.errors import VoiceError
from avatar_engine.timing import SAMPLE_RATE_HZ, ms_to_samples
from avatar_engine.types import Int16
from avatar_engine.voice.chain import VoiceChain
from chat.sentences import SentenceSplitter
from chat.speakable import build_speakable

log = logging.getLogger(__name__)

MOST_AT_ONCE = 2
PAUSE_MS = 160.0
"""Between sentences."""


class TooLong(ValueError):
    """The sound would be longer than a clip may be."""


class ClipVoice:
    """One text after another, whole, with the stage's default voices. Owns its tasks; `close` ends them."""

    def __init__(
        self,
        voices: Callable[[], VoiceChain],
        *,
        send: Callable[[dict[str, Any]], None],
        send_binary: Callable[[bytes], None],
    ) -> None:
        self._voices = voices
        self._send = send
        self._send_binary = send_binary
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def take(self, message: dict[str, Any]) -> None:
        """A message of the link about a clip. Raises KeyError where it is malformed."""
        clip = str(message["clip"])
        if message["type"] == "clip.close":
            task = self._tasks.pop(clip, None)
            if task is not None:
                task.cancel()
        elif message["type"] == "clip.voice" and clip not in self._tasks:
            text, language = str(message["text"]), str(message["language"])
            if len(self._tasks) >= MOST_AT_ONCE:
                self._fail(clip, "busy")
                return
            self._tasks[clip] = asyncio.create_task(self._speak(clip, text, language), name=f"clip-voice-{clip}")

    def drop_all(self) -> None:
        """Web is gone, and everybody who waited with it."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def close(self) -> None:
        """End what is being said."""
        tasks = list(self._tasks.values())
        self.drop_all()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _fail(self, clip: str, reason: str, detail: str = "") -> None:
        self._send({"type": "clip.failed", "clip": clip, "reason": reason, "detail": detail})

    async def _speak(self, clip: str, text: str, language: str) -> None:
        try:
            pcm = await self._make(text, language)
        except TooLong:
            self._fail(clip, "too_long")
        except VoiceError as error:
            self._fail(clip, "no_voice", str(error))
        except Exception as error:  # the edge of one clip: voices may fail in their own way
            log.exception("clip %s has no voice", clip)
            self._fail(clip, "failed", str(error))
        else:
            for data in pack_sound(clip, pcm):
                self._send_binary(data)
        finally:
            self._tasks.pop(clip, None)

    async def _make(self, text: str, language: str) -> Int16:
        """int16[n] mono 48 kHz. Raises `VoiceError` and `TooLong`."""
        voice = self._voices().choose(language)
        if not voice.card.audible:
            raise VoiceError(f"no voice that can be heard speaks {language!r} now", retryable=True)
        pieces: list[Int16] = []
        samples = 0
        splitter = SentenceSplitter()
        for sentence in splitter.push(text) + splitter.flush():
            async with aclosing(voice.speak(build_speakable(sentence, language))) as chunks:
                async for chunk in chunks:
                    pieces.append(chunk.pcm)
                    samples += len(chunk.pcm)
                    if samples > MOST_CLIP_S * SAMPLE_RATE_HZ:
                        raise TooLong
            pause = np.zeros(ms_to_samples(PAUSE_MS), np.int16)
            pieces.append(pause)
            samples += len(pause)
        sound = np.concatenate([np.zeros(0, np.int16), *pieces[:-1]])
        if not sound.any():
            raise VoiceError("there is nothing to say in this text", retryable=True)
        return sound[: MOST_CLIP_S * SAMPLE_RATE_HZ]
