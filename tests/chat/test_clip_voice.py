"""Texts of the clip service, spoken by the stage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np

from avatar_engine import wire
from avatar_engine.clips.wire import MOST_CLIP_S, SoundBasket, unpack_sound
from avatar_engine.types import AudioChunk
from avatar_engine.voice.chain import VoiceChain
from avatar_engine.voice.silence import SilentVoice
from chat.clip_voice import MOST_AT_ONCE, ClipVoice
from tests.fakes.clock import in_virtual_time, settle, virtual_loop
from tests.fakes.voice import FakeVoice


class Stage:
    def __init__(self, *voices: Any) -> None:
        self.texts: list[dict[str, Any]] = []
        self.binaries: list[bytes] = []
        self.voices = voices or (FakeVoice(),)
        chain = VoiceChain(self.voices, virtual_loop().time)
        self.clips = ClipVoice(lambda: chain, send=self.texts.append, send_binary=self.binaries.append)

    def ask(self, clip: str, text: str, language: str = "en") -> None:
        self.clips.take({"type": "clip.voice", "clip": clip, "text": text, "language": language})

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(text["clip"], text["reason"]) for text in self.texts]

    def sound(self, clip: str) -> np.ndarray:
        basket = SoundBasket()
        for data in self.binaries:
            piece = unpack_sound(wire.unpack_binary(data))
            if piece.clip == clip:
                basket.put(piece)
        assert basket.whole
        return basket.take()


class EndlessVoice(FakeVoice):
    async def speak(self, text: str, language: str | None = None) -> AsyncGenerator[AudioChunk]:
        self.speaking += 1
        try:
            while True:
                await asyncio.sleep(0.001)
                yield AudioChunk(np.full(960, 99, np.int16))
        finally:
            self.speaking -= 1


@in_virtual_time
async def test_a_text_is_said_sentence_by_sentence_and_sent_whole() -> None:
    stage = Stage()
    stage.ask("a", "One two. **Three** four five! " * 8)
    await settle()
    await asyncio.sleep(1)
    assert stage.voices[0].spoken[:2] == ["One two.", "Three four five!"]
    assert 48_000 * 5 < len(stage.sound("a")) < 48_000 * 8
    assert stage.texts == []


@in_virtual_time
async def test_a_text_without_end_is_cut_off_and_said_so() -> None:
    voice = EndlessVoice()
    stage = Stage(voice)
    stage.ask("a", "Go on")
    await asyncio.sleep(MOST_CLIP_S)
    assert stage.reasons == [("a", "too_long")]
    assert stage.binaries == []
    assert voice.speaking == 0


@in_virtual_time
async def test_one_text_too_many_is_refused_and_a_closed_one_stops() -> None:
    voice = EndlessVoice()
    stage = Stage(voice)
    for number in range(MOST_AT_ONCE + 1):
        stage.ask(str(number), "Go on")
    await settle()
    assert stage.reasons == [(str(MOST_AT_ONCE), "busy")]
    stage.clips.take({"type": "clip.close", "clip": "0"})
    stage.clips.take({"type": "clip.close", "clip": "nobody"})
    await settle()
    assert voice.speaking == MOST_AT_ONCE - 1
    await stage.clips.close()
    assert voice.speaking == 0


@in_virtual_time
async def test_a_text_that_nobody_can_say_has_a_reason() -> None:
    stage = Stage(FakeVoice(), SilentVoice())
    stage.ask("sign", "```\n```")
    stage.ask("tongue", "bonjour", "fr")
    await asyncio.sleep(1)
    assert sorted(stage.reasons) == [("sign", "no_voice"), ("tongue", "no_voice")]
    broken = FakeVoice()
    broken.fail_after = 1
    stage = Stage(broken)
    stage.ask("a", "one two three")
    await asyncio.sleep(1)
    assert stage.reasons == [("a", "no_voice")]
    assert stage.binaries == []
