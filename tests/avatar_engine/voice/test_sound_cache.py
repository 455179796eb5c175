"""What is said again is made once; what is kept stays within its limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import AudioChunk
from avatar_engine.voice.base import Voice
from avatar_engine.voice.cache import SoundCache
from avatar_engine.voice.chain import VoiceChain
from avatar_engine.voice.hibari import HibariVoice
from avatar_engine.voice.registry import build_chain
from avatar_engine.voice.sound_folder import SoundKey
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


def key_of(text: str, voice: str = "a", rate: float = 1.0, language: str = "en") -> SoundKey:
    return SoundKey(voice, rate, language, text)


async def test_the_one_not_asked_for_the_longest_goes_first() -> None:
    cache = SoundCache(10 * CHUNK_BYTES)
    for text in ("a", "b"):
        await cache.put(key_of(text), build_sound(4))
    assert await cache.get(key_of("a"))
    await cache.put(key_of("c"), build_sound(4))
    assert [await cache.get(key_of(text)) is not None for text in "abc"] == [True, False, True]
    assert cache.held_bytes == 8 * CHUNK_BYTES


async def test_what_is_too_long_is_not_kept() -> None:
    cache = SoundCache(3 * CHUNK_BYTES)
    await cache.put(key_of("a"), build_sound(2))
    await cache.put(key_of("b"), build_sound(4))
    assert await cache.get(key_of("a"))
    assert await cache.get(key_of("b")) is None
    cache.clear()
    assert cache.held_bytes == 0


class Env:
    voice_cache_bytes = 1_000_000

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def secret(self, name: str) -> str | None:
        return None


async def say(tmp_path: Path, entry: object, text: str = "Hello there.") -> list[AudioChunk]:
    """The sentence as a stage process says it that has just started."""
    chain = build_chain([entry], Env(tmp_path), lambda: 0.0)  # type: ignore[list-item]
    try:
        return await speak(chain.choose("en", keep=True), text)
    finally:
        await chain.close()


def sound_of(chunks: list[AudioChunk]) -> bytes:
    return b"".join(chunk.pcm.tobytes() for chunk in chunks)


async def test_sentence_outlives_the_process_with_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await say(tmp_path, "hibari")

    def refuse(*_: object) -> None:
        raise AssertionError("it is made again")

    monkeypatch.setattr(HibariVoice, "speak", refuse)
    again = await say(tmp_path, "hibari")
    assert sound_of(again) == sound_of(first)
    assert [chunk.marks for chunk in again] == [chunk.marks for chunk in first]
    assert any(chunk.marks for chunk in again)


async def test_rate_is_part_of_the_key(tmp_path: Path) -> None:
    slow = await say(tmp_path, "hibari")
    fast = await say(tmp_path, {"voice": "hibari", "rate": 1.5})
    assert len(fast) < 0.85 * len(slow)
    assert sound_of(await say(tmp_path, {"voice": "hibari", "rate": 1.5})) == sound_of(fast)
    assert sound_of(await say(tmp_path, "hibari")) == sound_of(slow)
    assert len(list((tmp_path / "voice_cache").glob("*.sound"))) == 2


async def test_size_of_nothing_keeps_nothing_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Env, "voice_cache_bytes", 0)
    await say(tmp_path, "hibari")
    assert not (tmp_path / "voice_cache").exists()
