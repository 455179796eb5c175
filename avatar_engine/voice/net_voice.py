"""What voices with a network of their own share: one worker thread that loads it and makes all sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from avatar_engine.errors import VoiceError
from avatar_engine.timing import samples_to_ms
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.voice.chunks import Chunker
from avatar_engine.voice.passage import Passage, Utterance

_T = TypeVar("_T")


class SpeechNet(Protocol):
    """A loaded network. Blocking, one call at a time; both methods raise `VoiceError`."""

    def read(self, text: str, language: str | None) -> list[Passage]:
        """Split a text into passages. Empty where nothing in it can be said."""
        ...

    def say(self, passage: Passage) -> Utterance:
        """Sound and marks of one passage."""
        ...


class NetThread:
    """A network that is loaded at its first use, in the one thread in which it works."""

    def __init__(self, name: str, load: Callable[[], SpeechNet], rate: float = 1.0) -> None:
        """`rate`: how fast it speaks, 1.0 as the network does by itself."""
        self._rate = rate
        self._name = name
        self._load = load
        self._executor: ThreadPoolExecutor | None = None
        self._net: SpeechNet | None = None
        self._closed = False

    async def speak(self, text: str, language: str | None) -> AsyncGenerator[AudioChunk]:
        """The sound of one passage of `text` comes at once, the next when it is made."""
        chunker = Chunker()
        for passage in await self._work(lambda: self._loaded().read(text, language)):
            utterance = await self._work(partial(self._say, replace(passage, rate=self._rate)))
            chunker.mark(_shift(utterance.marks, samples_to_ms(chunker.samples)))
            for chunk in chunker.push(utterance.pcm):
                yield chunk
        for chunk in chunker.flush():
            yield chunk

    async def close(self) -> None:
        """End the thread. A sentence that still waits for it raises `VoiceError`."""
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False)
            self._executor = None
        self._net = None

    def _say(self, passage: Passage) -> Utterance:
        return self._loaded().say(passage)

    def _loaded(self) -> SpeechNet:
        if self._net is None:
            self._net = self._load()
        return self._net

    async def _work(self, step: Callable[[], _T]) -> _T:
        """Run a step in the thread."""
        self._check_open()
        if self._executor is None:
            self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._name)

        def guarded() -> _T:
            self._check_open()
            return step()

        return await asyncio.get_running_loop().run_in_executor(self._executor, guarded)

    def _check_open(self) -> None:
        if self._closed:
            raise VoiceError("this voice is closed", retryable=False)


def _shift(marks: tuple[Mark, ...], by_ms: float) -> tuple[Mark, ...]:
    return tuple(Mark(mark.kind, mark.text, mark.start_ms + by_ms, mark.end_ms + by_ms) for mark in marks)
