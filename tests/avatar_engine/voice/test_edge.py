"""The edge voice decodes as it comes, trims, places its words, and gives up in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import aiohttp.web
import numpy as np
import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.voice.edge import FIRST_SOUND_S, EdgeVoice
from tests.fakes.edge_service import EdgeService


async def speak(voice: EdgeVoice, text: str, language: str | None = None) -> list[AudioChunk]:
    return [chunk async for chunk in voice.speak(text, language)]


def marks(chunks: list[AudioChunk]) -> list[Mark]:
    return [mark for chunk in chunks for mark in chunk.marks]


async def test_silence_comes_off_both_ends_and_words_move_with_the_sound() -> None:
    chunks = await speak(EdgeVoice(EdgeService().stream), "One, two. Three!")
    pcm = np.concatenate([chunk.pcm for chunk in chunks]).astype(float)
    loud = np.flatnonzero(np.abs(pcm) > 1000) / 48
    assert loud[0] == pytest.approx(40, abs=15)
    assert len(chunks) * CHUNK_MS == pytest.approx(40 + 750 + 80, abs=60)
    found = marks(chunks)
    assert [mark.text for mark in found] == ["One,", "two.", "Three!"]
    assert found[0].start_ms == pytest.approx(loud[0], abs=60)
    assert found[-1].end_ms == pytest.approx(loud[-1], abs=60)


async def test_sound_is_the_one_that_was_sent() -> None:
    pcm = np.concatenate([chunk.pcm for chunk in await speak(EdgeVoice(EdgeService().stream), "One two three")])
    middle = pcm[len(pcm) // 4 : len(pcm) // 2].astype(float)
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) * 48_000 / len(middle) == pytest.approx(300, abs=10)
    assert middle.max() == pytest.approx(0.3 * 32767, rel=0.1)


async def test_sound_flows_before_the_service_is_done() -> None:
    voice = EdgeVoice(EdgeService(stalls_at=12).stream)
    chunk = await anext(voice.speak("One two three four five six"))
    assert chunk.marks


async def test_speaker_follows_the_language() -> None:
    service = EdgeService()
    for text, language in (("Hello", None), ("你好", None), ("こんにちは", None), ("Hola", "es")):
        await speak(EdgeVoice(service.stream), text, language)
    assert [speaker[:5] for _, speaker in service.asked] == ["en-US", "zh-CN", "ja-JP", "es-ES"]


async def test_language_without_a_speaker_is_an_error() -> None:
    with pytest.raises(VoiceError, match="sw"):
        await speak(EdgeVoice(EdgeService().stream), "Habari", "sw")


@pytest.mark.parametrize(("stalls_at", "waits_s"), [(0, 2.5), (1, 2.5), (20, 3.0)])
async def test_stalled_service_is_given_up_in_time(
    stalls_at: int, waits_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = EdgeService(stalls_at=stalls_at)
    loop = asyncio.get_running_loop()
    real, skipped = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: real() + skipped)

    async def skip_waiting() -> None:
        nonlocal skipped
        while service.open == 0 or (service.open and skipped < waits_s):
            await asyncio.sleep(0)
            skipped += 0.05 if service.open else 0

    skipping = asyncio.create_task(skip_waiting())
    with pytest.raises(VoiceError, match="in time") as failure:
        await speak(EdgeVoice(service.stream), "One two three four five six")
    skipping.cancel()
    assert failure.value.retryable
    assert service.open == 0


async def test_without_a_network_it_fails_fast() -> None:
    began = time.monotonic()
    with pytest.raises(VoiceError) as failure:
        await speak(EdgeVoice(), "Hello")
    assert failure.value.retryable
    assert time.monotonic() - began < FIRST_SOUND_S + 1


@asynccontextmanager
async def edge_server(monkeypatch: pytest.MonkeyPatch, answer: str) -> AsyncIterator[None]:
    """A local websocket that speaks the service's protocol, where edge-tts looks for the real one."""

    async def serve(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        if answer == "forbidden":
            return aiohttp.web.Response(status=403)
        socket = aiohttp.web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive_str()
        await socket.receive_str()
        async for message in EdgeService().stream("Hello there", ""):
            if answer == "nothing":
                break
            if message["type"] == "audio":
                header = b"X-RequestId:1\r\nPath:audio\r\nContent-Type:audio/mpeg\r\n"
                await socket.send_bytes(len(header).to_bytes(2, "big") + header + message["data"])
            else:
                data = {
                    "Offset": message["offset"],
                    "Duration": message["duration"],
                    "text": {"Text": message["text"]},
                }
                body = json.dumps({"Metadata": [{"Type": "WordBoundary", "Data": data}]})
                await socket.send_str(f"Path:audio.metadata\r\n\r\n{body}")
        await socket.send_str("Path:turn.end\r\n\r\n{}")
        return socket

    app = aiohttp.web.Application()
    app.router.add_get("/", serve)
    runner = aiohttp.web.AppRunner(app)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    monkeypatch.setattr("edge_tts.communicate.WSS_URL", f"ws://127.0.0.1:{port}/?local=1")
    try:
        yield
    finally:
        await runner.cleanup()


async def test_the_real_client_against_a_local_service(monkeypatch: pytest.MonkeyPatch) -> None:
    async with edge_server(monkeypatch, "speech"):
        chunks = await speak(EdgeVoice(), "Hello there.")
    assert [mark.text for mark in marks(chunks)] == ["Hello", "there."]
    assert max(np.abs(chunk.pcm).max() for chunk in chunks) > 5000


@pytest.mark.parametrize("answer", ["forbidden", "nothing"])
async def test_refusals_of_the_service_are_voice_errors(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    async with edge_server(monkeypatch, answer):
        with pytest.raises(VoiceError) as failure:
            await speak(EdgeVoice(), "Hello there.")
    assert failure.value.retryable
