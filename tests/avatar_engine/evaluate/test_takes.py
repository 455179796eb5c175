"""Takes: the true mouth of a voice with marks, of a recording, and the loudness of anything."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.errors import VoiceError
from avatar_engine.evaluate.held_out import TAKE_FRAMES, cut_runs
from avatar_engine.evaluate.takes import build_opening, build_recorded_take, measure_loudness, speak_takes
from avatar_engine.types import Int16, Mark
from avatar_engine.voice.hibari import HibariVoice


def tone(seconds: float, level: float = 0.3, rate_hz: int = 48_000) -> Int16:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (32767 * level * np.sin(2 * np.pi * 200 * time_s)).astype(np.int16)


def test_the_mouth_is_shut_on_m_and_open_on_a() -> None:
    marks = [Mark("phoneme", "m", 0, 400), Mark("phoneme", "ɑ", 400, 800), Mark("phoneme", "m", 800, 1200)]
    opening = build_opening(tone(1.2), marks, 30)
    assert opening[5] == 0
    assert opening[24] == 0
    assert opening[14] == opening.max() > 0.01


def test_quiet_speech_opens_the_mouth_less() -> None:
    marks = [Mark("phoneme", "ɑ", 0, 800)]
    loud, quiet = (build_opening(tone(0.8, level), marks, 20)[10] for level in (0.3, 0.003))
    assert quiet < 0.8 * loud


def test_a_recording_has_one_opening_a_frame() -> None:
    take = build_recorded_take("clip", tone(2.0, rate_hz=16_000), np.zeros(49, np.float32))
    assert take.sound.size == 49 * 1920
    short = build_recorded_take("clip", tone(1.0, rate_hz=16_000), np.zeros(49, np.float32))
    assert (short.sound.size, short.opening.size) == (48_000, 25)


@pytest.mark.parametrize("level", [0.5, 0.05])
def test_loudness_of_a_sine_is_its_closed_form(level: float) -> None:
    assert measure_loudness(tone(0.4, level)) == pytest.approx(20 * np.log10(level / np.sqrt(2)), abs=0.05)


def test_loudness_of_silence_is_the_floor() -> None:
    assert measure_loudness(np.zeros(4000, np.int16)).tolist() == [-60.0] * 3


async def test_a_voice_gives_a_take_for_each_sentence() -> None:
    voice = HibariVoice()
    try:
        takes = await speak_takes(voice, ["My mama may.", "Go."], "en")
        with pytest.raises(VoiceError, match="says nothing"):
            await speak_takes(voice, [""], "en")
    finally:
        await voice.close()
    assert [take.name for take in takes] == ["hibari-en-00", "hibari-en-01"]
    for take in takes:
        assert take.opening.size == -(-take.sound.size // 1920)
        assert take.opening.max() > 0.005
        assert any(mark.kind == "phoneme" for mark in take.marks)


def test_runs_of_held_out_frames_are_cut_where_frames_are_missing_and_where_they_are_long() -> None:
    frames = np.array([*range(5, 9), *range(20, 20 + TAKE_FRAMES + 3)], np.int32)
    runs = [(int(run[0]), len(run)) for run in cut_runs(frames)]
    assert runs == [(5, 4), (20, TAKE_FRAMES), (20 + TAKE_FRAMES, 3)]
