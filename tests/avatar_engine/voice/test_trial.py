"""Trying a voice: the sound, its figures, and what is said where it does not work."""

from __future__ import annotations

import asyncio
import io
import os
import wave
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from avatar_engine.voice import trial as trial_module
from avatar_engine.voice.trial import run_trial
from avatar_engine.voice.trial_folder import KEPT, LATE_S, LIMIT_S, Trial, TrialFolder
from tests.fakes.clock import in_virtual_time, virtual_loop
from tests.fakes.voice import FakeVoice

TEXT = "Good evening, and welcome."


class Keys:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.voice_cache_bytes = 0

    def secret(self, name: str) -> str | None:
        return None


async def run(tmp_path: Path, entry: object, language: str = "en", text: str = TEXT) -> Trial:
    folder = TrialFolder(tmp_path)
    asked = folder.ask(entry, "", language, text)  # type: ignore[arg-type]
    await run_trial(folder, asked.id, Keys(tmp_path))
    done = folder.read(asked.id)
    assert done is not None
    return done


def use(monkeypatch: pytest.MonkeyPatch, voice: object) -> None:
    monkeypatch.setattr(trial_module, "build_voice", lambda *_: voice)


async def test_real_voice_is_heard_and_measured(tmp_path: Path) -> None:
    done = await run(tmp_path, "hibari")
    assert done.state == "done"
    assert done.figures is not None
    assert done.card is not None
    assert (done.card.languages, done.card.offline, done.card.licence) == (("en",), True, "Apache-2.0")
    with wave.open(io.BytesIO(TrialFolder(tmp_path).sound_path(done.id).read_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48_000, 1, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert len(pcm) / 48_000 == pytest.approx(done.figures.sound_s)
    assert 1 < done.figures.sound_s < 4
    assert np.abs(pcm).max() > 5_000
    assert 0 < done.figures.first_sound_ms <= done.figures.realtime * done.figures.sound_s * 1000
    assert done.figures.load_ms > done.figures.first_sound_ms


async def test_faster_is_shorter(tmp_path: Path) -> None:
    slow = await run(tmp_path, "hibari")
    fast = await run(tmp_path, {"voice": "hibari", "rate": 1.5})
    assert slow.figures is not None
    assert fast.figures is not None
    assert slow.figures.sound_s / fast.figures.sound_s == pytest.approx(1.5, abs=0.25)


@pytest.mark.parametrize(
    ("entry", "language", "reason", "detail"),
    [
        ("openai", "en", "not_ready", "OPENAI_API_KEY is not set"),
        ("kokoro", "zh", "not_ready", "manage.py weights kokoro"),
        ({"voice": "piper", "model": "nobody"}, "en", "not_ready", "there is no model nobody.onnx"),
        ("hibari", "zh", "language", "hibari speaks en"),
        ("parrot", "en", "settings", "no voice is called 'parrot'"),
        ({"voice": "hibari", "rate": 9}, "en", "settings", "rate must be a number from 0.5 to 2"),
        ({"voice": "http", "url": "http://127.0.0.1:9/"}, "en", "failed", ""),
    ],
)
async def test_what_does_not_work_says_why(
    tmp_path: Path, entry: object, language: str, reason: str, detail: str
) -> None:
    done = await run(tmp_path, entry, language)
    assert (done.state, done.reason) == ("failed", reason)
    assert detail in done.detail


async def test_program_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = await run(tmp_path, "espeak")
    assert (done.state, done.reason) == ("failed", "not_ready")
    assert "espeak-ng does not start" in done.detail


async def test_text_without_a_word_gives_no_sound(tmp_path: Path) -> None:
    assert (await run(tmp_path, "hibari", text="...")).reason == "nothing"


async def test_voice_is_closed_and_its_card_known_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = FakeVoice("b")
    voice.fail_after = 1
    use(monkeypatch, voice)
    done = await run(tmp_path, "hibari")
    assert (done.state, done.reason, done.detail) == ("failed", "failed", "b is down")
    assert done.card is not None
    assert voice.closed


@in_virtual_time
async def test_voice_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wait() -> None:
        await asyncio.sleep(1000)

    voice = FakeVoice()
    voice.warm = wait  # type: ignore[method-assign]
    use(monkeypatch, voice)
    began = virtual_loop().time()
    done = await run(tmp_path, "hibari")
    assert (done.state, done.reason) == ("failed", "too_slow")
    assert virtual_loop().time() - began == pytest.approx(LIMIT_S, abs=1)


async def test_wish_is_carried_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = FakeVoice()
    use(monkeypatch, voice)
    done = await run(tmp_path, "hibari")
    await run_trial(TrialFolder(tmp_path), done.id, Keys(tmp_path))
    await run_trial(TrialFolder(tmp_path), "0" * 32, Keys(tmp_path))
    assert voice.spoken == [TEXT]


def test_wish_that_nobody_takes_up_is_late_and_one_whose_worker_ended_has_failed(tmp_path: Path) -> None:
    now = SimpleNamespace(s=0.0)
    folder = TrialFolder(tmp_path, lambda: now.s)
    asked = folder.ask("hibari", "", "en", TEXT)
    path = next((tmp_path / "voice_trials").glob("*.json"))

    def state_after(seconds: float) -> tuple[str, str]:
        now.s = path.stat().st_mtime + seconds
        trial = folder.read(asked.id)
        assert trial is not None
        return trial.state, trial.reason

    assert state_after(1) == ("asked", "")
    assert state_after(LATE_S) == ("late", "")
    folder.save(replace(asked, state="speaking"))
    assert state_after(LIMIT_S) == ("speaking", "")
    assert state_after(LIMIT_S + LATE_S) == ("failed", "broke_off")


def test_only_the_last_tries_stay(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    trials = []
    for number in range(KEPT + 2):
        trials.append(folder.ask("hibari", "", "en", TEXT))
        folder.save_sound(trials[-1].id, b"sound")
        os.utime(tmp_path / "voice_trials" / f"{trials[-1].id}.json", (number, number))
    assert [folder.read(trial.id) is None for trial in trials] == [True] * 2 + [False] * KEPT
    assert len(list((tmp_path / "voice_trials").glob("*.wav"))) == KEPT


@pytest.mark.parametrize("name", ["", "../secrets/secret_key", "0" * 31, "g" * 32])
def test_other_names_are_no_tries(tmp_path: Path, name: str) -> None:
    assert TrialFolder(tmp_path).read(name) is None


def test_damaged_file_is_no_try(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    asked = folder.ask("hibari", "", "en", TEXT)
    (tmp_path / "voice_trials" / f"{asked.id}.json").write_text('{"id": 3}')
    assert folder.read(asked.id) is None
