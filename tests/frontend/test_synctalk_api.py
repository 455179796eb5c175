"""The SyncTalk_2D service: the shapes of the original, for operators and programs with the token alone."""

from __future__ import annotations

import asyncio
import io
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from avatar_engine.errors import AvatarFolderError
from frontend.hub import MediaHub
from frontend.relay import Relay
from tests.support.clip_system import ClipSystem
from tests.support.web_copies import eventually

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/synctalk/"
SPENDING = [
    ("get", "generate?text=hello"),
    ("post", "generate"),
    ("get", "generate-from-audio"),
    ("post", "generate-from-audio"),
    ("get", "avatar"),
    ("get", "get-tts-audio?text=hello"),
    ("get", "health"),
    ("get", "debug/status"),
    ("post", "debug/config"),
]


async def ignore(room: str, event: dict[str, Any]) -> None:
    """Nobody has a page open."""


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[ClipSystem]:
    made = ClipSystem(Relay(MediaHub(), ignore), tmp_path)
    await made.start()
    yield made
    await made.close()


class ClipClient(AsyncClient):
    """Asks a web process that has the service of `system`, with an Authorization header."""

    def __init__(self, system: ClipSystem | None, authorization: str = "", **changes: Any) -> None:
        self._parts = {"footlight.clips": system.service} if system is not None else {}
        self._header = [(b"authorization", authorization.encode())] if authorization else []
        super().__init__(**changes)

    def _base_scope(self, **request: Any) -> dict[str, Any]:
        scope = {**super()._base_scope(**request), **self._parts}
        return {**scope, "headers": [*scope["headers"], *self._header]}


@pytest.fixture
def client(system: ClipSystem) -> AsyncClient:
    """A program with the token."""
    return ClipClient(system, f"Bearer {settings.FOOTLIGHT.api_token()}")


async def read_parts(response: Any) -> list[np.ndarray]:
    """Decoded pictures of a multipart answer."""
    assert response.status_code == 200
    assert response["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
    body = b"".join([part async for part in response.streaming_content])
    pieces = body.split(b"--frame")
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    pictures = []
    for piece in pieces[1:-1]:
        head, _, rest = piece.partition(b"\r\n\r\n")
        assert b"Content-Type: image/jpeg" in head
        pictures.append(cv2.imdecode(np.frombuffer(rest[:-2], np.uint8), cv2.IMREAD_COLOR))
    return pictures


def list_files(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("*"))


def build_wav(seconds: float, rate_hz: int = 16_000, channels: int = 1, level: float = 0.3) -> bytes:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    samples = np.repeat((level * np.sin(2 * np.pi * 180 * t))[:, None], channels, axis=1)
    memory = io.BytesIO()
    soundfile.write(memory, samples, rate_hz, format="WAV")
    return memory.getvalue()


def build_upload(data: bytes, name: str = "speech.wav") -> dict[str, Any]:
    return {"audio_file": SimpleUploadedFile(name, data, "audio/wav")}


@pytest.mark.parametrize(("method", "path"), SPENDING)
async def test_strangers_are_turned_away_from_everything(system: ClipSystem, method: str, path: str) -> None:
    for authorization in ("", "Bearer wrong", settings.FOOTLIGHT.api_token()):
        response = await getattr(ClipClient(system, authorization), method)(BASE + path)
        assert response.status_code == 401
        assert set(response.json()) == {"error", "message"}
    assert system.render.texts == []
    assert system.stage.texts == []


async def test_an_account_without_the_staff_flag_is_refused(system: ClipSystem) -> None:
    client = ClipClient(system)
    await client.aforce_login(await sync_to_async(User.objects.create_user)("viewer", password="x"))
    assert (await client.get(f"{BASE}generate?text=hello")).status_code == 403


async def test_an_operator_needs_the_csrf_token_to_post(system: ClipSystem) -> None:
    client = ClipClient(system, enforce_csrf_checks=True)
    await client.aforce_login(await sync_to_async(User.objects.create_user)("op", password="x", is_staff=True))
    response = await client.post(f"{BASE}debug/config", json.dumps({}), content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (403, "csrf")
    page = await client.get(BASE)
    assert page.status_code == 200
    headers = {"X-CSRFTOKEN": page.context["csrf_token"]}
    response = await client.post(
        f"{BASE}debug/config", json.dumps({"enabled": True}), content_type="application/json", headers=headers
    )
    assert response.status_code == 200


async def test_text_becomes_the_presenter_at_rest_and_then_the_clip(client: AsyncClient) -> None:
    response = await client.get(f"{BASE}generate", {"text": "one two three"})
    pictures = await read_parts(response)
    assert len(pictures) == 1 + 8  # 300 ms of words
    assert {picture.shape for picture in pictures} == {(512, 512, 3)}
    assert np.ptp(pictures[0]) <= 6
    assert pictures[4][256, 256].max() >= 100


async def test_a_text_may_be_posted(client: AsyncClient) -> None:
    response = await client.post(
        f"{BASE}generate?width=256&height=128", json.dumps({"text": "one two"}), content_type="application/json"
    )
    pictures = await read_parts(response)
    assert len(pictures) == 1 + 5
    assert pictures[0].shape == (128, 256, 3)


async def test_pictures_come_at_25_a_second(client: AsyncClient) -> None:
    response = await client.get(f"{BASE}generate", {"text": "word " * 20})
    clock = asyncio.get_running_loop().time
    times = [clock() async for _ in response.streaming_content]
    assert times[-1] - times[1] == pytest.approx(2.0, abs=0.5)


async def test_sound_and_pictures_are_of_one_synthesis(client: AsyncClient, system: ClipSystem) -> None:
    sound, shown = await asyncio.gather(
        client.get(f"{BASE}get-tts-audio", {"text": "one two three"}),
        client.get(f"{BASE}generate", {"text": "one two three"}),
    )
    assert len(await read_parts(shown)) == 9
    assert system.stage.voice.spoken == ["one two three"]
    assert sound["Content-Type"] == "audio/wav"
    assert "tts_audio.wav" in sound["Content-Disposition"]
    samples, rate_hz = soundfile.read(io.BytesIO(sound.content))
    assert (rate_hz, samples.ndim) == (48_000, 1)
    assert float(sound["X-Audio-Duration"]) == pytest.approx(len(samples) / rate_hz, abs=0.001)
    assert float(sound["X-Audio-Duration"]) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2), (48_000, 2)])
async def test_a_recording_of_any_rate_is_spoken_at_its_speed(client: AsyncClient, rate_hz: int, channels: int) -> None:
    response = await client.post(f"{BASE}generate-from-audio", build_upload(build_wav(0.5, rate_hz, channels)))
    assert len(await read_parts(response)) == 1 + 13


async def test_without_a_recording_there_is_one_picture(client: AsyncClient) -> None:
    for path in ("generate-from-audio", "avatar"):
        assert len(await read_parts(await client.get(BASE + path))) == 1


@pytest.mark.parametrize(
    ("upload", "error"),
    [
        ({}, "no_file"),
        (build_upload(build_wav(0.5), "speech.mp3"), "bad_file"),
        (build_upload(b"RIFF"), "bad_file"),
        (build_upload(b"no sound at all " * 100), "bad_file"),
        (build_upload(build_wav(121.0, 8_000)), "bad_file"),
        (build_upload(build_wav(0.5)[:44] + struct.pack("<h", 0) * 0 + b"x" * 10), "bad_file"),
        ({"audio_file": "a text"}, "no_file"),
    ],
)
async def test_what_is_no_recording_says_why(client: AsyncClient, upload: dict[str, Any], error: str) -> None:
    for item in upload.values():
        if hasattr(item, "seek"):
            item.seek(0)
    response = await client.post(f"{BASE}generate-from-audio", upload)
    assert response.status_code == 400
    assert response.json()["error"] == error
    assert response.json()["message"]


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "no_text"),
        ("text=%20", "no_text"),
        ("text=" + "x" * 1001, "too_long"),
        ("text=hi&duration=long", "bad_duration"),
        ("text=hi&duration=nan", "bad_duration"),
        ("text=hi&duration=-1", "bad_duration"),
        ("text=hi&width=64", "bad_size"),
        ("text=hi&height=99999999999999999999", "bad_size"),
        ("text=hi&avatar=../../secrets", "bad_avatar"),
        ("text=hi&language=english", "bad_language"),
    ],
)
async def test_impossible_requests_are_refused(client: AsyncClient, query: str, error: str) -> None:
    response = await client.get(f"{BASE}generate?{query}")
    assert (response.status_code, response.json()["error"]) == (400, error)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"text": 7}', b'{"words": "hi"}', b"[" * 100_000])
async def test_posted_nonsense_is_refused(client: AsyncClient, body: bytes) -> None:
    response = await client.post(f"{BASE}generate", body, content_type="application/json")
    assert response.status_code == 400
    assert set(response.json()) == {"error", "message"}


async def test_failures_have_their_status_before_a_picture_is_sent(client: AsyncClient, system: ClipSystem) -> None:
    system.render.error = AvatarFolderError("mira: there is no avatar.json")
    response = await client.get(f"{BASE}avatar")
    assert (response.status_code, response.json()["message"]) == (500, "mira: there is no avatar.json")
    system.stage.voice.fail_after = 0
    response = await client.get(f"{BASE}generate", {"text": "hello"})
    assert (response.status_code, response.json()["error"]) == (500, "no_voice")
    await system.relay.drop_render(system.render)
    await system.relay.drop_stage(system.stage)
    assert (await client.get(f"{BASE}avatar")).status_code == 503
    assert (await client.get(f"{BASE}generate", {"text": "hello again"})).status_code == 503


async def test_a_failed_voice_is_asked_again(client: AsyncClient, system: ClipSystem) -> None:
    system.stage.voice.fail_after = 0
    assert (await client.get(f"{BASE}get-tts-audio", {"text": "hello"})).status_code == 500
    system.stage.voice.fail_after = None
    assert (await client.get(f"{BASE}get-tts-audio", {"text": "hello"})).status_code == 200


async def test_a_render_that_dies_ends_the_stream(client: AsyncClient, system: ClipSystem) -> None:
    response = await client.get(f"{BASE}generate", {"text": "word " * 60})
    parts = response.streaming_content
    await anext(parts)
    await anext(parts)
    await system.relay.drop_render(system.render)
    rest = [part async for part in parts]
    assert len(rest) < 150
    assert len(system.desk) == 0


async def test_a_reader_that_leaves_ends_the_work(client: AsyncClient, system: ClipSystem) -> None:
    response = await client.get(f"{BASE}generate", {"text": "word " * 100})
    reader = asyncio.create_task(read_parts(response))
    await eventually(lambda: len(system.desk) == 1)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert len(system.desk) == 0
    await eventually(lambda: not len(system.render.jobs))
    assert len(system.render.jobs) == 0
    assert system.render.texts[-1]["type"] == "clip.close"


async def get_as_a_server_does(client: AsyncClient, path: str) -> Any:
    """With a thread of its own, so that requests do not wait for each other."""
    async with ThreadSensitiveContext():
        return await client.get(path)


async def test_one_clip_too_many_is_told_to_come_again(client: AsyncClient, system: ClipSystem) -> None:
    looks = [f"{BASE}avatar?width={side}" for side in (130, 140, 150, 160)]
    held = asyncio.Event()

    async def wait_for_ever(family: str, avatar: str) -> Any:
        await held.wait()
        raise AvatarFolderError("gone")

    system.render.jobs._lend = wait_for_ever
    waiting = [asyncio.create_task(get_as_a_server_does(client, look)) for look in looks]
    await eventually(lambda: len(system.desk) == 4)
    response = await get_as_a_server_does(client, f"{BASE}avatar?width=170")
    assert (response.status_code, response.json()["error"]) == (503, "busy")
    assert response["Retry-After"] == "5"
    held.set()
    assert {(await task).status_code for task in waiting} == {500}


async def test_health_tries_voice_and_network(client: AsyncClient, system: ClipSystem) -> None:
    response = await client.get(f"{BASE}health")
    assert response.json() == {"status": "ok", "services": {"tts": "ok", "model": "ok"}}
    await client.get(f"{BASE}health")
    assert len(system.stage.voice.spoken) == 1
    assert [text["type"] for text in system.render.texts].count("clip.open") == 1


async def test_health_says_what_does_not_work(client: AsyncClient, system: ClipSystem) -> None:
    system.stage.voice.fail_after = 0
    await system.relay.drop_render(system.render)
    response = await client.get(f"{BASE}health")
    assert response.status_code == 503
    assert response.json() == {"status": "degraded", "services": {"tts": "fallback", "model": "error"}}


async def test_debug_keeps_what_was_chosen_and_nothing_before(client: AsyncClient, system: ClipSystem) -> None:
    status = (await client.get(f"{BASE}debug/status")).json()
    assert set(status) == {"enabled", "save_frames", "save_audio", "frames_dir", "audio_dir"}
    assert not status["enabled"]
    await read_parts(await client.get(f"{BASE}generate", {"text": "one two"}))
    assert list_files(status["frames_dir"]) == []
    wanted = {"enabled": True, "save_frames": True, "save_audio": True}
    response = await client.post(f"{BASE}debug/config", json.dumps(wanted), content_type="application/json")
    assert response.json() == {**status, **wanted}
    await read_parts(await client.get(f"{BASE}generate", {"text": "one two three"}))
    assert len(list_files(status["frames_dir"])) == 8
    (sound,) = list_files(status["audio_dir"])
    assert soundfile.read(sound)[1] == 48_000


@pytest.mark.parametrize("body", [{"enabled": 1}, {"enabled": True, "path": "/etc"}, []])
async def test_debug_takes_only_its_flags(client: AsyncClient, body: Any) -> None:
    response = await client.post(f"{BASE}debug/config", json.dumps(body), content_type="application/json")
    assert response.status_code == 400


async def test_a_process_without_the_service_says_so() -> None:
    client = ClipClient(None, f"Bearer {settings.FOOTLIGHT.api_token()}")
    for path in ("avatar", "health", "debug/status", "generate?text=hi", "generate-from-audio"):
        assert (await client.get(BASE + path)).status_code == 503
