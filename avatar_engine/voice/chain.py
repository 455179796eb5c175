"""Several voices in order of preference, as one."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.voice.base import Voice, VoiceCard
from avatar_engine.voice.cache import SoundCache
from avatar_engine.voice.language import detect_language
from avatar_engine.voice.sound_folder import SoundKey
from avatar_engine.voice.words import split_words

REST_S = 60.0
TRUST_S = 300.0
CACHE_BYTES = 16 << 20
"""Nearly three minutes of sound."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a voice sound as it does: its name with every option, and how fast it speaks."""

    voice: str
    rate: float = 1.0


@dataclass(frozen=True, slots=True)
class Fallback:
    """A sentence, or the rest of one, that another voice had to say."""

    text: str
    failed: str
    took_over: str
    reason: str


@dataclass(slots=True)
class _Health:
    """What is known of one voice; times are seconds of the chain's clock."""

    rests_until: float = -math.inf
    answered_at: float = -math.inf
    probe: asyncio.Task[None] | None = None


class VoiceChain:
    """Chooses a voice for each reply, and rests the ones that fail.

    The order of choice for a language, among voices that speak it and do not rest:

    1. voices that will answer at once, in the configured order: those that work offline, and network voices that
       answered within the last five minutes;
    2. network voices of which nothing is known (just started, silent for long, or back from a rest);
    3. voices without sound.

    So a network voice that is configured first is used first while it answers, and without a network no reply waits
    for a time-out as long as any offline voice speaks its language. A network voice that was passed over is asked in
    the background, and from its answer on it has its place; where no other voice speaks the language it is tried at
    once, within its own time limit, and after a failure not again for a minute.

    A failed voice rests for `rest_s`; one that says it cannot be asked again rests for good. Voices that rest are
    chosen only where there is no other at all. The chain owns its voices and closes them.
    """

    def __init__(
        self,
        voices: Sequence[Voice],
        clock: Callable[[], float],
        rest_s: float = REST_S,
        *,
        cache: SoundCache | None = None,
        identities: Sequence[Identity] = (),
    ) -> None:
        """`clock` gives seconds and never goes back. `identities`: of each voice, as sound is kept under it."""
        self._voices = tuple(voices)
        known = identities or [Identity(f"{voice.card.name} {number}") for number, voice in enumerate(voices)]
        self._identities = dict(zip(self._voices, known, strict=True))
        self._clock = clock
        self._rest_s = rest_s
        self._health = {voice: _Health() for voice in self._voices}
        self._cache = cache or SoundCache(CACHE_BYTES)

    async def warm(self) -> None:
        """Load the first offline voice, and make contact with those that are configured before it.

        A voice that fails rests; nothing is raised. Other voices are left alone until they are needed: an offline
        voice may take half a gigabyte of memory.
        """
        offline = [voice.card.offline for voice in self._voices]
        first = offline.index(True) if True in offline else len(offline)
        await asyncio.gather(*(self._probe(voice) for voice in self._voices[: first + 1]))

    def get_ready(self, language: str) -> None:
        """Load in the background what will speak `language`, which somebody will ask for soon."""
        voice = next((voice for voice in self._voices if voice.card.speaks(language)), None)
        if voice is not None and not self.rests(voice) and self._health[voice].answered_at == -math.inf:
            self._probe_soon(voice)

    def choose(self, language: str, *, keep: bool = False) -> ReplyVoice:
        """The voice for one reply in `language` (a BCP 47 primary tag). Raises `VoiceError` where none speaks it.

        `keep`: its sentences will come again, as greetings and idle lines do, so their sound is kept.
        """
        return ReplyVoice(self, language, self.candidates(language)[0], self._cache if keep else None)

    def candidates(self, language: str) -> list[Voice]:
        """Voices for `language`, best first, never empty. Raises `VoiceError` where none speaks it."""
        speaking = [voice for voice in self._voices if voice.card.speaks(language)]
        if not speaking:
            raise VoiceError(f"no voice speaks {language!r}")
        awake = [voice for voice in speaking if not self.rests(voice)]
        ranked = sorted(awake, key=self._rank)
        if ranked:
            for passed_over in awake[: awake.index(ranked[0])]:
                self._probe_soon(passed_over)
        return ranked or speaking

    def build_key(self, voice: Voice, text: str, language: str) -> SoundKey:
        """Under which `voice`, one of this chain, keeps the sound of `text`."""
        identity = self._identities[voice]
        return SoundKey(identity.voice, identity.rate, language, text)

    def rests(self, voice: Voice) -> bool:
        """Whether the voice failed a short time ago, in any reply."""
        return self._health[voice].rests_until > self._clock()

    def answered(self, voice: Voice) -> None:
        """The voice gave sound."""
        self._health[voice].answered_at = self._clock()

    def failed(self, voice: Voice, error: VoiceError) -> None:
        """The voice failed: it rests, and what was known of it no longer counts."""
        health = self._health[voice]
        health.rests_until = self._clock() + (self._rest_s if error.retryable else math.inf)
        health.answered_at = -math.inf
        _log.warning("voice %s rests: %s", voice.card.name, error)

    async def close(self) -> None:
        """End the probes and close every voice."""
        probes = [health.probe for health in self._health.values() if health.probe is not None]
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        self._cache.clear()
        for voice in self._voices:
            await voice.close()

    def _rank(self, voice: Voice) -> int:
        if not voice.card.audible:
            return 2
        return 0 if self._answers_at_once(voice) else 1

    def _answers_at_once(self, voice: Voice) -> bool:
        return voice.card.offline or self._clock() - self._health[voice].answered_at <= TRUST_S

    def _probe_soon(self, voice: Voice) -> None:
        health = self._health[voice]
        if health.probe is None or health.probe.done():
            health.probe = asyncio.get_running_loop().create_task(self._probe(voice), name=f"probe {voice.card.name}")

    async def _probe(self, voice: Voice) -> None:
        try:
            await voice.warm()
        except VoiceError as error:
            self.failed(voice, error)
        else:
            self.answered(voice)


class ReplyVoice:
    """The voice of one reply: a `Voice` that keeps to one speaker as long as that speaker can.

    Where it fails, the next voice of the chain says what is left of the sentence, and the rest of the reply; until
    the first sound, a failure in another reply counts too. A sentence in a script that the speaker does not read goes
    to one that does, for that sentence only.
    """

    def __init__(self, chain: VoiceChain, language: str, voice: Voice, cache: SoundCache | None = None) -> None:
        self._chain = chain
        self._language = language
        self._voice = voice
        self._cache = cache
        self._begun = False
        self.fallbacks: list[Fallback] = []
        """What other voices had to say, for the record of the turn."""

    @property
    def card(self) -> VoiceCard:
        """The card of the voice that speaks now."""
        return self._voice.card

    async def warm(self) -> None:
        await self._voice.warm()

    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        """See `Voice.speak`. Raises `VoiceError` only when every voice for the language failed."""
        language = language or detect_language(text, latin=self._language)
        if not self._begun and self._chain.rests(self._voice):
            self._voice = self._chain.candidates(self._language)[0]
        voice = self._voice if self._voice.card.speaks(language) else self._chain.candidates(language)[0]
        tried = {voice}
        said_ms = 0.0
        while True:
            heard = _Heard(said_ms)
            try:
                async with aclosing(self._speak(voice, text, language)) as chunks:
                    async for chunk in chunks:
                        self._begun = True
                        yield heard.take(chunk)
                if heard.any:
                    self._chain.answered(voice)
                return
            except VoiceError as error:
                self._chain.failed(voice, error)
                following = self._after(tried, language)
                if following is None:
                    raise
                text, said_ms = heard.rest_of(text), heard.until_ms
                self.fallbacks.append(Fallback(text, voice.card.name, following.card.name, str(error)))
                if voice is self._voice:
                    self._voice = following
                voice = following
                tried.add(voice)

    async def close(self) -> None:
        """The chain owns the voices; nothing to release."""

    async def _speak(self, voice: Voice, text: str, language: str) -> AsyncGenerator[AudioChunk]:
        """The sound of the cache, or of the voice, which is kept once it is whole."""
        key = self._chain.build_key(voice, text, language)
        kept = await self._cache.get(key) if self._cache is not None else None
        if kept is not None:
            for chunk in kept:
                yield chunk
            return
        made: list[AudioChunk] = []
        async with aclosing(voice.speak(text, language)) as chunks:
            async for chunk in chunks:
                if self._cache is not None:
                    made.append(chunk)
                yield chunk
        if self._cache is not None and made:
            await self._cache.put(key, made)

    def _after(self, tried: set[Voice], language: str) -> Voice | None:
        left = (voice for voice in self._chain.candidates(language) if voice not in tried)
        return next(left, None)


class _Heard:
    """What one voice said of a sentence, and where on the time line of the `speak` call that was."""

    def __init__(self, from_ms: float) -> None:
        self._from_ms = from_ms
        self._words: list[Mark] = []
        self.until_ms = from_ms
        self.any = False

    def take(self, chunk: AudioChunk) -> AudioChunk:
        """Count the chunk; return it with marks that count from the first chunk of the call."""
        self.any = True
        self.until_ms += CHUNK_MS
        self._words.extend(mark for mark in chunk.marks if mark.kind == "word")
        if not self._from_ms or not chunk.marks:
            return chunk
        shifted = (
            replace(mark, start_ms=mark.start_ms + self._from_ms, end_ms=mark.end_ms + self._from_ms)
            for mark in chunk.marks
        )
        return AudioChunk(chunk.pcm, tuple(shifted))

    def rest_of(self, text: str) -> str:
        """`text` without the words of which any sound went out; a voice without word marks said it all."""
        if not self.any:
            return text
        said_ms = self.until_ms - self._from_ms
        begun = sum(1 for word in self._words if word.start_ms < said_ms)
        words = split_words(text)
        at = 0
        for word in words[: begun if self._words else len(words)]:
            at = text.index(word.split(" ")[0], at) + len(word)
        return text[at:].strip()
