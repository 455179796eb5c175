"""The embedded English voice: hibari-tts, offline, with exact phoneme times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from avatar_engine.errors import VoiceError
from avatar_engine.timing import samples_to_ms
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.voice.base import VoiceCard
from avatar_engine.voice.chunks import Chunker
from avatar_engine.voice.hibari_net import HibariNet, Passage, Utterance

_T = TypeVar("_T")


class HibariVoice:
    """Speaks English. Loads at the first `warm` or `speak`, in its one worker thread; all sound is made there."""

    card = VoiceCard(
        name="hibari",
        languages=frozenset({"en"}),
        offline=True,
        streaming=False,
        marks=frozenset({"phoneme", "word"}),
        licence="Apache-2.0",
    )

    def __init__(self) -> None:
        self._executor: ThreadPoolExecutor | None = None
        self._net: HibariNet | None = None
        self._closed = False

    async def warm(self) -> None:
        """Load and speak once into nothing, so that the first sentence on air is as fast as any."""
        async for _ in self.speak("Good evening."):
            pass

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`. The sound of one sentence of `text` comes at once, the next when it is made."""
        chunker = Chunker()
        for passage in await self._work(lambda: self._loaded().read(text)):
            utterance = await self._work(partial(self._say, passage))
            chunker.mark(_shift(utterance.marks, samples_to_ms(chunker.samples)))
            for chunk in chunker.push(utterance.pcm):
                yield chunk
        for chunk in chunker.flush():
            yield chunk

    async def close(self) -> None:
        """End the worker thread. A sentence that still waits for it raises `VoiceError`."""
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None
        self._net = None

    def _say(self, passage: Passage) -> Utterance:
        return self._loaded().say(passage)

    def _loaded(self) -> HibariNet:
        if self._net is None:
            self._net = HibariNet.load()
        return self._net

    async def _work(self, step: Callable[[], _T]) -> _T:
        """Run a step in the worker thread."""
        self._check_open()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hibari")

        def guarded() -> _T:
            self._check_open()
            return step()

        return await asyncio.get_running_loop().run_in_executor(self._executor, guarded)

    def _check_open(self) -> None:
        if self._closed:
            raise VoiceError("this voice is closed", retryable=False)


def _shift(marks: tuple[Mark, ...], by_ms: float) -> tuple[Mark, ...]:
    return tuple(Mark(mark.kind, mark.text, mark.start_ms + by_ms, mark.end_ms + by_ms) for mark in marks)
