"""What is said again is made once; what is kept stays within its limit."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import Voice
from avatar_engine.voice.cache import SoundCache
from avatar_engine.voice.chain import VoiceChain
from tests.fakes.voice import FakeVoice

CHUNK_BYTES = 2 * CHUNK_SAMPLES


def build_sound(chunks: int) -> list[AudioChunk]:
    return [AudioChunk(np.zeros(CHUNK_SAMPLES, np.int16)) for _ in range(chunks)]


async def speak(voice: Voice, text: str) -> list[AudioChunk]:
    return [chunk async for chunk in voice.speak(text)]


def chain_of(*voices: FakeVoice) -> VoiceChain:
    return VoiceChain(voices, clock=lambda: 0.0)


async def test_kept_sentence_is_made_once_and_sounds_the_same() -> None:
    voice = FakeVoice()
    chain = chain_of(voice)
    first = await speak(chain.choose("en", keep=True), "Hello there.")
    assert await speak(chain.choose("en", keep=True), "Hello there.") == first
    assert voice.spoken == ["Hello there."]


async def test_replies_are_not_kept() -> None:
    voice = FakeVoice()
    chain = chain_of(voice)
    for _ in range(2):
        await speak(chain.choose("en"), "A secret.")
    assert len(voice.spoken) == 2


async def test_another_voice_makes_its_own() -> None:
    first, second = FakeVoice("a"), FakeVoice("b", hz=900)
    chain = chain_of(first, second)
    await speak(chain.choose("en", keep=True), "Hello.")
    chain.failed(first, VoiceError("down"))
    await speak(chain.choose("en", keep=True), "Hello.")
    assert second.spoken == ["Hello."]


async def test_half_a_sentence_is_not_kept() -> None:
    voice = FakeVoice()
    chain = chain_of(voice)
    sound = chain.choose("en", keep=True).speak("One two three.")
    await anext(sound)
    await sound.aclose()
    voice.fail_after = 2
    with pytest.raises(VoiceError):
        await speak(chain.choose("en", keep=True), "One two three.")
    voice.fail_after = None
    assert len(await speak(chain.choose("en", keep=True), "One two three.")) == 15
    assert len(voice.spoken) == 3


def test_the_one_not_asked_for_the_longest_goes_first() -> None:
    voice, cache = FakeVoice(), SoundCache(10 * CHUNK_BYTES)
    for text in ("a", "b"):
        cache.put((voice, text, "en"), build_sound(4))
    assert cache.get((voice, "a", "en"))
    cache.put((voice, "c", "en"), build_sound(4))
    assert [cache.get((voice, text, "en")) is not None for text in "abc"] == [True, False, True]
    assert cache.held_bytes == 8 * CHUNK_BYTES


def test_what_is_too_long_is_not_kept() -> None:
    voice, cache = FakeVoice(), SoundCache(3 * CHUNK_BYTES)
    cache.put((voice, "a", "en"), build_sound(2))
    cache.put((voice, "b", "en"), build_sound(4))
    assert cache.get((voice, "a", "en"))
    assert cache.get((voice, "b", "en")) is None
    cache.clear()
    assert cache.held_bytes == 0
