"""Voices that are programs of their own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.types import AudioChunk
from avatar_engine.voice import program
from avatar_engine.voice.base import Voice
from avatar_engine.voice.espeak import EspeakVoice
from avatar_engine.voice.piper import PiperVoice
from avatar_engine.voice.program import read_output

STAND_IN = """#!{python}
import math, struct, sys
assert sys.argv[1:] == ["--model", {model!r}, "--output-raw"], sys.argv
words = sys.stdin.read().split()
tone = (int(9000 * math.sin(n / 12)) for n in range(22050 * len(words) // 4))
sys.stdout.buffer.write(b"".join(struct.pack("<h", sample) for sample in tone))
"""


async def speak(voice: Voice, text: str, language: str | None = None) -> list[AudioChunk]:
    return [chunk async for chunk in voice.speak(text, language)]


def run(code: str, text: str = "") -> aclosing[bytes]:  # type: ignore[type-var]
    return aclosing(read_output([sys.executable, "-c", code], text))


async def test_text_goes_in_as_one_line_and_bytes_come_out() -> None:
    async with run("import sys; print(sys.stdin.read(), end='!')", "one\ntwo") as pieces:
        assert b"".join([piece async for piece in pieces]) == b"one two\n!"


async def test_failure_says_what_the_program_said() -> None:
    with pytest.raises(VoiceError, match="no such voice"):
        async with run("import sys; sys.exit('no such\\nvoice')") as pieces:
            [piece async for piece in pieces]


async def test_program_that_ends_without_reading_is_no_broken_pipe() -> None:
    with pytest.raises(VoiceError, match="failed: 3"):
        async with run("import os; os._exit(3)", "x" * 1_000_000) as pieces:
            [piece async for piece in pieces]


async def test_program_that_stands_still_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "FIRST_BYTE_S", 0.2)
    with pytest.raises(VoiceError, match="too slow"):
        async with run("import time; time.sleep(60)") as pieces:
            [piece async for piece in pieces]


async def test_early_close_ends_the_program(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        f"import os,time; open({str(pid_file)!r},'w').write(str(os.getpid())); print('x', flush=True); time.sleep(60)"
    )
    async with run(code) as pieces:
        async for _ in pieces:
            break
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


async def test_program_that_is_not_installed_is_a_voice_error() -> None:
    with pytest.raises(VoiceError, match="does not start") as caught:
        async with aclosing(read_output(["/nonexistent/program"], "")) as pieces:
            [piece async for piece in pieces]
    assert not caught.value.retryable


async def test_piper_speaks_the_language_of_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "voices" / "tone.onnx"
    voice = PiperVoice(model)
    assert not voice.card.languages
    model.parent.mkdir()
    model.write_bytes(b"")
    model.with_name("tone.onnx.json").write_text(
        json.dumps({"audio": {"sample_rate": 22050}, "language": {"code": "de_DE"}})
    )
    monkeypatch.setenv("PATH", "")
    assert not voice.card.languages
    stand_in = tmp_path / "piper"
    stand_in.write_text(STAND_IN.format(python=sys.executable, model=str(model)))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert voice.card.languages == {"de"}
    assert len(await speak(voice, "eins zwei drei vier")) * 20 == pytest.approx(1000, abs=120)


async def test_piper_without_its_model_is_a_voice_error(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"no model away\.onnx"):
        await speak(PiperVoice(tmp_path / "away.onnx"), "Hi.")


async def test_espeak_is_chosen_only_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not EspeakVoice().card.languages
    with pytest.raises(VoiceError, match="does not start"):
        await speak(EspeakVoice(), "Hi.")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("text", "language"), [("Bonsoir à tous.", "fr"), ("Guten Abend.", "de"), ("-v is no option", "en")]
)
async def test_espeak_speaks_the_language_it_is_told(text: str, language: str) -> None:
    assert 10 < len(await speak(EspeakVoice(), text, language)) < 150


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
async def test_cancelled_sentence_leaves_no_process() -> None:
    task = asyncio.create_task(speak(EspeakVoice(), "A long sentence. " * 200))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
