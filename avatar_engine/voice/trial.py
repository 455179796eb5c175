"""Trying a voice: it says a text once, into a sound file, and is measured while it does."""

from __future__ import annotations

import asyncio
import io
import time
import wave
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from avatar_engine.errors import UnknownEngine, VoiceConfigError, VoiceError, VoiceNotReady
from avatar_engine.timing import CHUNK_MS, SAMPLE_RATE_HZ
from avatar_engine.types import Int16
from avatar_engine.voice.base import Voice
from avatar_engine.voice.config import check_voice
from avatar_engine.voice.registry import VoiceEnv, build_voice
from avatar_engine.voice.trial_folder import LIMIT_S, Trial, TrialCard, TrialFigures, TrialFolder, TrialReason


class _NothingSaid(VoiceError):
    """The voice gave no sound for the text."""


class _WrongLanguage(VoiceError):
    """The voice does not read the language of the text."""


REASONS: tuple[tuple[type[Exception], TrialReason], ...] = (
    (_NothingSaid, "nothing"),
    (_WrongLanguage, "language"),
    (VoiceNotReady, "not_ready"),
    (VoiceError, "failed"),
    (VoiceConfigError, "settings"),
    (UnknownEngine, "settings"),
    (TimeoutError, "too_slow"),
)
"""What a failure is called; the first that fits counts."""


async def run_trial(
    folder: TrialFolder, trial_id: str, env: VoiceEnv, clock: Callable[[], float] = time.perf_counter
) -> None:
    """Do what was asked for, once; what comes of it stands in the folder. `clock` gives seconds."""
    trial = folder.read(trial_id)
    if trial is None or trial.state not in ("asked", "late"):
        return
    trial = replace(trial, state="speaking")
    folder.save(trial)
    try:
        async with asyncio.timeout(LIMIT_S):
            folder.save(await _speak(folder, trial, env, clock))
    except tuple(kind for kind, _ in REASONS) as error:
        reason = next(reason for kind, reason in REASONS if isinstance(error, kind))
        known = folder.read(trial_id) or trial
        folder.save(replace(known, state="failed", reason=reason, detail=str(error)))


async def _speak(folder: TrialFolder, trial: Trial, env: VoiceEnv, clock: Callable[[], float]) -> Trial:
    voice = build_voice(check_voice(trial.entry), env)
    try:
        card = voice.card
        trial = replace(trial, card=TrialCard(tuple(sorted(card.languages)), card.offline, card.licence))
        folder.save(trial)
        if card.languages and not card.speaks(trial.language):
            raise _WrongLanguage(f"{card.name} speaks {', '.join(sorted(card.languages))}")
        began = clock()
        await voice.warm()
        load_ms = (clock() - began) * 1000
        pcm, first_ms, took_s = await _measure(voice, trial, clock)
    finally:
        await voice.close()
    sound_s = len(pcm) / SAMPLE_RATE_HZ
    folder.save_sound(trial.id, build_wav(pcm))
    return replace(trial, state="done", figures=TrialFigures(load_ms, first_ms, took_s / sound_s, sound_s))


async def _measure(voice: Voice, trial: Trial, clock: Callable[[], float]) -> tuple[Int16, float, float]:
    """The sound, milliseconds until its first chunk, seconds until its last. Raises `VoiceError`."""
    began = clock()
    first_ms = 0.0
    pieces: list[Int16] = []
    async with aclosing(voice.speak(trial.text, trial.language)) as chunks:
        async for chunk in chunks:
            if not pieces:
                first_ms = (clock() - began) * 1000
            pieces.append(chunk.pcm)
            if len(pieces) * CHUNK_MS > LIMIT_S * 1000:
                raise VoiceError(f"it speaks for more than {LIMIT_S:g} s")
    if not pieces:
        raise _NothingSaid("there is nothing in the text that it can say")
    return np.concatenate(pieces), first_ms, clock() - began


def build_wav(pcm: Int16) -> bytes:
    """int16[n] mono at 48 kHz as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(pcm.astype("<i2").tobytes())
    return file.getvalue()
