"""Voices behind HTTP: what they ask, what they make of the answer, and how they fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS, CHUNK_SAMPLES
from avatar_engine.types import AudioChunk
from avatar_engine.voice import http_call
from avatar_engine.voice.base import Voice
from avatar_engine.voice.config import check_voice
from avatar_engine.voice.http_voice import HttpVoice
from avatar_engine.voice.openai_speech import OpenAISpeech
from avatar_engine.voice.trim import LEAD_MS, TAIL_MS
from tests.fakes.speech_server import WORD_MS, Conduct, SpeechServer

THREE_MS = LEAD_MS + 3 * WORD_MS + TAIL_MS


class Keys:
    def secret(self, name: str) -> str | None:
        return {"SPEECH_API_KEY": "s3cret"}.get(name)


def openai(server: SpeechServer, **options: Any) -> OpenAISpeech:
    entry = {"voice": "openai", "base_url": f"{server.origin}/v1/", "key_env": "SPEECH_API_KEY", **options}
    return OpenAISpeech.build(check_voice(entry).options, Keys())


def http(server: SpeechServer, **options: Any) -> HttpVoice:
    return HttpVoice.build(check_voice({"voice": "http", "url": f"{server.origin}/voice", **options}).options, Keys())


async def speak(voice: Voice, text: str, language: str | None = None) -> list[AudioChunk]:
    return [chunk async for chunk in voice.speak(text, language)]


async def test_openai_is_asked_for_pcm_with_the_key_of_the_environment() -> None:
    async with SpeechServer() as server:
        chunks = await speak(openai(server, speaker="ash", instructions="Softly."), "One two three.")
        (request,) = server.requests
    assert (request["method"], request["path"], request["key"]) == ("POST", "/v1/audio/speech", "s3cret")
    assert request["fields"] == {
        "model": "gpt-4o-mini-tts",
        "voice": "ash",
        "input": "One two three.",
        "response_format": "pcm",
        "instructions": "Softly.",
    }
    assert len(chunks) * CHUNK_MS == pytest.approx(THREE_MS, abs=CHUNK_MS + 10)


async def test_first_sound_comes_before_the_answer_is_whole() -> None:
    async with SpeechServer(Conduct(hold_after=30)) as server:
        sound = openai(server).speak("One two three four five.")
        async with asyncio.timeout(5):
            assert (await anext(sound)).pcm.size == CHUNK_SAMPLES
        assert not server.gone.is_set(), "the server still holds the rest back"
        await sound.aclose()
        async with asyncio.timeout(5):
            await server.gone.wait()


async def test_without_its_key_nobody_is_asked() -> None:
    async with SpeechServer() as server:
        with pytest.raises(VoiceError, match="NO_API_KEY is not set") as caught:
            await speak(openai(server, key_env="NO_API_KEY"), "Hi.")
        assert not server.requests
    assert not caught.value.retryable


async def test_get_puts_text_language_and_fields_into_the_query() -> None:
    async with SpeechServer() as server:
        options = {"language_field": "language", "language_upper": True, "fields": {"model_id": 0, "auto": True}}
        chunks = await speak(http(server, **options), "你好&再见 = 好", "zh")
        (request,) = server.requests
    assert request["method"] == "GET"
    assert request["fields"] == {"text": "你好&再见 = 好", "language": "ZH", "model_id": "0", "auto": "true"}
    assert chunks


async def test_post_puts_them_into_a_json_body() -> None:
    async with SpeechServer() as server:
        await speak(http(server, method="POST", fields={"speed": 1.2, "auto": True}), "One two three.")
        (request,) = server.requests
    assert request["method"] == "POST"
    assert request["fields"] == {"text": "One two three.", "speed": 1.2, "auto": True}


async def test_file_is_trimmed_and_brought_to_48_khz() -> None:
    async with SpeechServer() as server:
        chunks = await speak(http(server), "One two three.")
    assert len(chunks) * CHUNK_MS == pytest.approx(THREE_MS, abs=CHUNK_MS + 10)


@pytest.mark.parametrize("build", [openai, http])
@pytest.mark.parametrize(("status", "retryable"), [(401, False), (404, False), (429, True), (500, True)])
async def test_refusals_say_why_and_whether_to_ask_again(build: Any, status: int, retryable: bool) -> None:
    async with SpeechServer(Conduct(status=status)) as server:
        with pytest.raises(VoiceError, match=f'refused: {status} {{"error": "as the test wants"}}') as caught:
            await speak(build(server), "Hi.")
    assert caught.value.retryable == retryable


@pytest.mark.parametrize("build", [openai, http])
async def test_nobody_listening_is_a_voice_error(build: Any) -> None:
    async with SpeechServer() as server:
        voice = build(server)
    with pytest.raises(VoiceError, match="failed: ClientConnectorError"):
        await speak(voice, "Hi.")


@pytest.mark.parametrize("build", [openai, http])
async def test_standing_still_is_too_slow(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_call, "FIRST_BYTE_S", 0.05)
    async with SpeechServer(Conduct(hold_after=0)) as server:
        with pytest.raises(VoiceError, match="in time"):
            await speak(build(server), "Hi.")


async def test_answer_that_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_call, "MOST_BYTES", 20_000)
    async with SpeechServer() as server:
        with pytest.raises(VoiceError, match="more than"):
            await speak(openai(server), "One two three four five six.")


@pytest.mark.parametrize("raw", [b"", b"\0\0" * 20_000, b"\0"])
async def test_silence_instead_of_speech_is_a_voice_error(raw: bytes) -> None:
    async with SpeechServer(Conduct(raw=raw)) as server:
        with pytest.raises(VoiceError, match="no sound"):
            await speak(openai(server), "Hi.")


async def test_page_instead_of_a_file_is_a_voice_error() -> None:
    async with SpeechServer(Conduct(raw=b"<html>")) as server:
        with pytest.raises(VoiceError, match="no sound file"):
            await speak(http(server), "Hi.")
