"""A text asked for over HTTP goes through web, stage and render, while a room is on air."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile

from tests.support.live_system import LiveSystem
from tests.support.tiny_avatar import build_tiny_avatar

pytestmark = pytest.mark.journey

TOKEN = "a-token-for-this-journey-alone"
LOOK = "avatar=tiny&width=192&height=160"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    """A running Footlight with a tiny avatar, beside the room that it shows anyway."""
    data = tmp_path_factory.mktemp("clips")
    build_tiny_avatar(data / "avatars" / "tiny")
    with LiveSystem(data, FOOTLIGHT_API_TOKEN=TOKEN) as running:
        running.wait_on_air(90)
        yield running


def ask(system: LiveSystem, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
    request = urllib.request.Request(f"{system.url}/api/synctalk/{path}", body, headers)
    return urllib.request.urlopen(request, timeout=90)


def read_pictures(answer: Any) -> list[np.ndarray]:
    pieces = answer.read().split(b"--frame")[1:-1]
    jpegs = [piece.partition(b"\r\n\r\n")[2][:-2] for piece in pieces]
    return [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in jpegs]


def test_a_text_becomes_sound_and_pictures_of_the_same_length(clips: LiveSystem) -> None:
    text = "text=Hello%20there%2C%20you."
    with ask(clips, f"get-tts-audio?{text}") as answer:
        length_s = float(answer.headers["X-Audio-Duration"])
        samples, rate_hz = soundfile.read(io.BytesIO(answer.read()))
    assert len(samples) / rate_hz == pytest.approx(length_s, abs=0.001)
    assert length_s > 0.5
    assert np.abs(samples).max() > 0.05
    with ask(clips, f"generate?{text}&{LOOK}") as answer:
        pictures = read_pictures(answer)
    # Pictures that a busy machine draws too late are left out.
    assert 2 <= len(pictures) <= 1 + np.ceil(length_s * 25)
    assert {picture.shape for picture in pictures} == {(160, 192, 3)}
    assert any(np.abs(picture.astype(int) - pictures[0]).max() > 60 for picture in pictures[1:])
    assert clips.is_ready()


def test_a_recording_is_spoken(clips: LiveSystem) -> None:
    memory = io.BytesIO()
    t = np.arange(8_000) / 16_000
    soundfile.write(memory, 0.3 * np.sin(2 * np.pi * 180 * t), 16_000, format="WAV")
    head = b'--x\r\nContent-Disposition: form-data; name="audio_file"; filename="a.wav"\r\n\r\n'
    body = head + memory.getvalue() + b"\r\n--x--\r\n"
    with ask(clips, f"generate-from-audio?{LOOK}", body, "multipart/form-data; boundary=x") as answer:
        assert 2 <= len(read_pictures(answer)) <= 14


def test_an_avatar_that_is_not_there_is_an_error_with_its_reason(clips: LiveSystem) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(clips, "avatar?avatar=nobody")
    assert caught.value.code == 500
    assert "nobody" in json.load(caught.value)["message"]


def test_strangers_spend_nothing(clips: LiveSystem) -> None:
    request = urllib.request.Request(f"{clips.url}/api/synctalk/generate?text=hello&{LOOK}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    assert caught.value.code == 401
