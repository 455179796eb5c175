"""What every voice promises, the fake included."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest
import pytest_asyncio

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS, CHUNK_SAMPLES
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.voice.base import Voice
from avatar_engine.voice.chain import VoiceChain
from avatar_engine.voice.config import check_voice
from avatar_engine.voice.edge import EdgeVoice
from avatar_engine.voice.espeak import EspeakVoice
from avatar_engine.voice.hibari import HibariVoice
from avatar_engine.voice.hibari_net import HibariNet
from avatar_engine.voice.http_call import Call, read_answer
from avatar_engine.voice.http_voice import HttpVoice
from avatar_engine.voice.kokoro import DEFAULT_SPEAKERS, KokoroVoice
from avatar_engine.voice.kokoro_net import KokoroNet
from avatar_engine.voice.openai_speech import OpenAISpeech
from avatar_engine.voice.silence import SilentVoice
from avatar_engine.voice.words import split_words
from avatar_engine.weights import KOKORO, weight_path
from tests.fakes.edge_service import EdgeService
from tests.fakes.speech_server import SpeechServer
from tests.fakes.voice import FakeVoice
from tests.support.kokoro_weights import find_kokoro_weights

TEXT = "Hello there, it is 3:30 pm. My name is Robin — nice to meet you!"


def _reply() -> Voice:
    return VoiceChain([FakeVoice()], clock=lambda: 0.0).choose("en")


VOICES: dict[str, Callable[[], Voice]] = {
    "fake": FakeVoice,
    "hibari": HibariVoice,
    "kokoro": lambda: KokoroVoice(find_kokoro_weights()),
    "edge": lambda: EdgeVoice(EdgeService().stream),
    "openai": lambda: OpenAISpeech.build(check_voice("openai").options, Keys()),
    "http": lambda: HttpVoice.build(check_voice({"voice": "http", "url": "http://127.0.0.1/"}).options, Keys()),
    "espeak": EspeakVoice,
    "silence": SilentVoice,
    "reply": _reply,
}


class Keys:
    def secret(self, name: str) -> str | None:
        return "key"


@pytest_asyncio.fixture
async def speech_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SpeechServer]:
    """Answers every request of a voice, wherever it goes."""
    async with SpeechServer() as server:

        def here(call: Call) -> AsyncGenerator[bytes]:
            return read_answer(replace(call, url=server.origin + urlsplit(call.url).path))

        monkeypatch.setattr("avatar_engine.voice.openai_speech.read_answer", here)
        monkeypatch.setattr("avatar_engine.voice.http_voice.read_answer", here)
        yield server


@pytest.fixture(scope="module")
def hibari_net() -> HibariNet:
    return HibariNet.load()


@pytest.fixture(scope="module")
def kokoro_net() -> KokoroNet:
    return KokoroNet.load(weight_path(KOKORO, find_kokoro_weights()), DEFAULT_SPEAKERS)


@pytest_asyncio.fixture(params=VOICES)
async def voice(
    request: pytest.FixtureRequest,
    hibari_net: HibariNet,
    speech_server: SpeechServer,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Voice]:
    """Each voice in turn; the networks are loaded once for all tests."""
    monkeypatch.setattr(HibariNet, "load", lambda: hibari_net)
    if request.param == "kokoro":
        net = request.getfixturevalue("kokoro_net")
        monkeypatch.setattr(KokoroNet, "load", lambda *_: net)
    if request.param == "espeak" and shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    made = VOICES[request.param]()
    yield made
    await made.close()


async def speak(voice: Voice, text: str) -> list[AudioChunk]:
    return [chunk async for chunk in voice.speak(text)]


def marks(chunks: list[AudioChunk], kind: str) -> list[Mark]:
    return [mark for chunk in chunks for mark in chunk.marks if mark.kind == kind]


async def test_sound_is_20_ms_chunks(voice: Voice) -> None:
    chunks = await speak(voice, TEXT)
    assert all(chunk.pcm.shape == (CHUNK_SAMPLES,) and chunk.pcm.dtype == np.int16 for chunk in chunks)
    assert len(chunks) * CHUNK_MS > 1000


async def test_audible_voices_can_be_heard(voice: Voice) -> None:
    pcm = np.concatenate([chunk.pcm for chunk in await speak(voice, TEXT)])
    assert (np.abs(pcm.astype(int)).max() > 3000) == voice.card.audible


async def test_marks_are_in_order_and_inside_the_sound(voice: Voice) -> None:
    chunks = await speak(voice, TEXT)
    for kind in voice.card.marks:
        found = marks(chunks, kind)
        assert found, kind
        starts = [mark.start_ms for mark in found]
        assert starts == sorted(starts)
        assert all(0 <= mark.start_ms <= mark.end_ms <= len(chunks) * CHUNK_MS for mark in found)
    assert {mark.kind for chunk in chunks for mark in chunk.marks} == set(voice.card.marks)


async def test_word_marks_are_the_words_as_written(voice: Voice) -> None:
    if "word" not in voice.card.marks:
        pytest.skip("this voice has no word marks")
    said = [mark.text for mark in marks(await speak(voice, TEXT), "word")]
    assert [word.rstrip(" —") for word in said] == [word.rstrip(" —") for word in split_words(TEXT)]


async def test_marks_do_not_come_after_their_sound(voice: Voice) -> None:
    for number, chunk in enumerate(await speak(voice, TEXT)):
        assert all(mark.end_ms >= number * CHUNK_MS for mark in chunk.marks)


@pytest.mark.parametrize("text", ["", "   ", "…", "😀 !!", "\n"])
async def test_nothing_to_say_yields_nothing(voice: Voice, text: str) -> None:
    assert await speak(voice, text) == []


def is_the_same(voice: Voice, a: list[AudioChunk], b: list[AudioChunk]) -> bool:
    """Sample by sample; espeak-ng breathes with random noise, so of it the length alone."""
    if voice.card.name == "espeak":
        return len(a) == pytest.approx(len(b), abs=1)
    return all(np.array_equal(x.pcm, y.pcm) and x.marks == y.marks for x, y in zip(a, b, strict=True))


async def test_the_same_text_sounds_the_same(voice: Voice) -> None:
    assert is_the_same(voice, await speak(voice, TEXT), await speak(voice, TEXT))


async def test_two_at_once_do_not_mix(voice: Voice) -> None:
    other = "Quite another sentence, and a longer one it is too."
    alone = [await speak(voice, TEXT), await speak(voice, other)]
    together = await asyncio.gather(speak(voice, TEXT), speak(voice, other))
    assert all(is_the_same(voice, a, b) for a, b in zip(alone, together, strict=True))


async def test_a_closed_iterator_leaves_the_voice_usable(voice: Voice) -> None:
    async with aclosing(voice.speak(TEXT)) as chunks:
        async for _ in chunks:
            break
    assert await speak(voice, "Still here.")


async def test_a_cancelled_sentence_leaves_the_voice_usable(voice: Voice) -> None:
    task = asyncio.create_task(speak(voice, TEXT * 5))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert await speak(voice, "Still here.")


async def test_warm_makes_ready_and_says_nothing(voice: Voice) -> None:
    await voice.warm()
    assert await speak(voice, "Ready.")


async def test_early_close_ends_the_request() -> None:
    service = EdgeService()
    async with aclosing(EdgeVoice(service.stream).speak(TEXT)) as chunks:
        async for _ in chunks:
            assert service.open == 1
            break
    assert service.open == 0


async def test_early_close_stops_the_fake() -> None:
    fake = FakeVoice()
    async with aclosing(fake.speak(TEXT)) as chunks:
        async for _ in chunks:
            break
    assert fake.speaking == 0


async def test_early_close_leaves_later_sentences_unmade(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    say = HibariNet.say
    monkeypatch.setattr(HibariNet, "say", lambda net, passage: made.append(passage.symbols) or say(net, passage))
    voice = HibariVoice()
    async with aclosing(voice.speak("One here. Two here. Three here.")) as chunks:
        async for _ in chunks:
            break
    await voice.close()
    assert len(made) == 1


async def test_failures_are_voice_errors() -> None:
    closed = HibariVoice()
    await closed.close()
    down = FakeVoice()
    down.fail_after = 0
    for voice in (closed, down, EdgeVoice(EdgeService(fails_at=0).stream), EdgeVoice(EdgeService(junk=True).stream)):
        with pytest.raises(VoiceError):
            await speak(voice, TEXT)
