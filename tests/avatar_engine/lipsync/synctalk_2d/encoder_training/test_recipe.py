from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from avatar_engine.features.ave_net import EncoderNet
from avatar_engine.features.mel import RATE_HZ, build_mel
from avatar_engine.lipsync.drawn.shape import AXES, JAW, PRESS
from avatar_engine.lipsync.synctalk_2d.encoder_training.corpus import GROUPS, Clip, Group, load_clips, make_corpus
from avatar_engine.lipsync.synctalk_2d.encoder_training.deliver import MEAN_NORM, deliver
from avatar_engine.lipsync.synctalk_2d.encoder_training.disturb import build_throat, disturb, stretch
from avatar_engine.lipsync.synctalk_2d.encoder_training.filmed import FilmedClip
from avatar_engine.lipsync.synctalk_2d.encoder_training.lessons import (
    Lessons,
    build_filmed_rows,
    build_said_rows,
    join_rows,
    scale_lips,
)
from avatar_engine.lipsync.synctalk_2d.encoder_training.report import compare
from avatar_engine.lipsync.synctalk_2d.encoder_training.sentences import compose_chinese, compose_english
from avatar_engine.lipsync.synctalk_2d.encoder_training.targets import (
    MIDDLE,
    build_mouth,
    count_rows,
    cut_columns,
    spread,
)
from avatar_engine.types import Float32, Mark

FRAME = RATE_HZ // 25
MIDDLE_JAW = MIDDLE * AXES + JAW


def build_clip(name: str = "clip", seconds: float = 2.0, seed: int = 1) -> Clip:
    """Hums where its marks say "ɑ", is still where they say "m"."""
    samples = int(seconds * RATE_HZ)
    t = np.arange(samples) / RATE_HZ
    is_open = (t * 2.5).astype(int) % 2 == 1
    hum = np.sin(2 * np.pi * (120 + 10 * seed) * t) + 0.5 * np.sin(2 * np.pi * 900 * t)
    pcm = np.round(9000 * hum * is_open).astype(np.int16)
    marks = tuple(
        Mark("phoneme", "ɑ" if place % 2 else "m", place * 400.0, place * 400.0 + 400)
        for place in range(int(seconds * 2.5))
    )
    return Clip(name, pcm, marks)


def test_sentences_are_many_different_and_the_same_each_time() -> None:
    for compose in (compose_english, compose_chinese):
        assert compose(200, 7) == compose(200, 7)
        assert len(set(compose(200, 7))) > 195
        assert compose(200, 7)[40:] != compose(200, 8)[40:]


def test_held_sentences_and_the_held_speaker_are_not_trained_on() -> None:
    trained = [group for group in GROUPS if not group.held]
    held = [group for group in GROUPS if group.held]
    assert {group.language for group in held if group.voice not in {other.voice for other in trained}} == {"en", "zh"}
    assert not {group.seed for group in held} & {group.seed for group in trained}


def test_a_corpus_stopped_half_way_goes_on(tmp_path: Path) -> None:
    groups = [Group("hibari", "en", 2, 1)]
    kokoro = Path("never-opened.onnx")
    with pytest.raises(Exception, match="kokoro"):
        make_corpus(tmp_path, kokoro, [Group("heart", "en", 1, 3)])
    make_corpus(tmp_path, kokoro, groups)
    first, second = (tmp_path / "hibari_en" / f"000{number}.npz" for number in range(2))
    made, kept = first.stat().st_mtime_ns, second.read_bytes()
    second.unlink()
    make_corpus(tmp_path, kokoro, groups)
    assert first.stat().st_mtime_ns == made
    assert len(second.read_bytes()) == len(kept)
    clips = [clip for _, clip in load_clips(tmp_path, held=False)]
    assert len(clips) == 2
    assert all(clip.marks and clip.pcm.dtype == np.int16 for clip in clips)
    assert clips[0].marks[-1].end_ms <= clips[0].pcm.size * 1000 / RATE_HZ


def test_the_mouth_follows_the_marks() -> None:
    shapes, visemes = build_mouth(build_clip().marks, 50)
    assert shapes.shape == (50, AXES)
    assert shapes[15, JAW] > 0.7
    assert shapes[5, PRESS] > 0.6
    assert visemes[15] != visemes[5]


def test_a_row_answers_for_the_frames_in_its_middle() -> None:
    values = np.arange(20, dtype=np.float32)[:, None]
    assert spread(values, count_rows(20))[3].tolist() == [3, 4, 5, 6, 7]
    click = np.zeros(50 * FRAME, np.float32)
    click[20 * FRAME + FRAME // 2] = 1.0  # the middle of frame 20, so of row 18's five frames
    columns = cut_columns(click, count_rows(50))
    loudness = columns.mean(axis=(1, 2))
    centre = (loudness[18] + 4) @ np.arange(16) / (loudness[18] + 4).sum()
    # Column 57 is the first; the click is at 820 ms, which is column 65.6.
    assert centre == pytest.approx(65.6 - 57, abs=0.3)


def test_stretched_sound_keeps_in_step_with_its_marks() -> None:
    plain = build_said_rows(build_clip(), None)
    played = stretch(build_clip().pcm.astype(np.float32) / 32768, 1.15)
    assert played.size == pytest.approx(build_clip().pcm.size / 1.15, abs=2)
    for seed in range(4):
        rows = build_said_rows(build_clip(), np.random.default_rng(seed))
        told = rows.columns[:, 0].mean(axis=(1, 2))
        assert np.corrcoef(told, rows.shapes[:, MIDDLE_JAW])[0, 1] > 0.6
    assert len(plain.said) == count_rows(50 + 7)


def test_a_disturbed_sound_is_as_long_and_not_late() -> None:
    sound = np.zeros(RATE_HZ, np.float32)
    sound[4000:4400] = np.random.default_rng(0).normal(0, 0.3, 400)
    for seed in range(8):
        heard = disturb(sound, np.random.default_rng(seed))
        assert heard.shape == sound.shape
        assert np.abs(heard).max() <= 1
        lag = int(np.argmax(np.correlate(heard, sound, "full"))) - sound.size + 1
        assert abs(lag) <= 8
    assert np.isfinite(disturb(np.zeros(FRAME, np.float32), np.random.default_rng(1))).all()


def test_a_longer_throat_lowers_the_formants_alone() -> None:
    t = np.arange(RATE_HZ) / RATE_HZ
    mel = build_mel(0.5 * np.sin(2 * np.pi * 2000 * t))
    lower = build_mel(0.5 * np.sin(2 * np.pi * 1800 * t))
    moved = build_throat(0.9) @ mel
    assert np.array_equal(build_throat(1.0) @ mel, mel)
    assert abs(int(moved[:, 40].argmax()) - int(lower[:, 40].argmax())) <= 1
    assert int(moved[:, 40].argmax()) < int(mel[:, 40].argmax()) - 1
    assert build_throat(0.8).sum(axis=1) == pytest.approx(np.ones(80))


def test_lips_of_different_people_are_comparable() -> None:
    draw = np.random.default_rng(2)
    small, large = (
        FilmedClip(str(size), np.zeros(100 * FRAME, np.int16), (size * draw.random((100, 2))).astype(np.float32))
        for size in (0.1, 0.4)
    )
    for clip in (small, large):
        (scaled,) = scale_lips([clip])
        assert np.percentile(scaled.lips[:, 0], 95) == pytest.approx(1, abs=1e-3)
        assert np.median(scaled.lips[:, 1]) == pytest.approx(0, abs=1e-6)
    rows = build_filmed_rows(small, np.random.default_rng(5))
    assert not rows.said.any()
    assert len(rows.lips) == len(rows.columns)


@pytest.mark.parametrize("shift", [-3, 0, 2])
def test_agreement_finds_the_lag(shift: int) -> None:
    curve = np.convolve(np.random.default_rng(3).normal(0, 1, 400), np.hanning(9), "same").astype(np.float32)
    found = compare([np.roll(curve, shift)[20:-20]], [curve[20:-20]])
    assert found.lag_ms == pytest.approx(40 * shift, abs=6)
    assert found.best > 0.99
    assert found.frames == 360


def build_lessons() -> Lessons:
    draw = np.random.default_rng(4)
    films = [FilmedClip("film", build_clip(seconds=1.5).pcm, draw.random((37, 2)).astype(np.float32))]
    return Lessons([build_clip("a"), build_clip("b", seed=2)], films, seed=1)


def read_jaw(weights: dict[str, Float32], rows: Float32) -> Float32:
    told: Float32 = rows @ weights["shape_weight"].T + weights["shape_bias"]
    return told[:, MIDDLE_JAW]


def test_training_goes_on_where_it_was_stopped_and_what_it_delivers_is_what_it_learned(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from avatar_engine.lipsync.synctalk_2d.encoder_training.schooling import Plan, School

    torch.set_num_threads(1)
    forever = time.monotonic() + 3600
    lessons = build_lessons()
    whole = School(tmp_path / "whole", Plan(2, batch=32))
    assert whole.study(lessons, forever)
    stopped = School(tmp_path / "stopped", Plan(2, batch=32))
    assert not stopped.study(lessons, time.monotonic() - 1)
    stopped._study_rows(lessons.build(0))
    stopped.lesson = 1
    stopped._save()
    resumed = School(tmp_path / "stopped", Plan(2, batch=32))
    assert resumed.lesson == 1
    assert resumed.study(lessons, forever)
    for name, tensor in whole.average.state_dict().items():
        assert torch.equal(tensor, resumed.average.state_dict()[name]), name

    clip = build_clip()
    deliver(whole.average, [clip], tmp_path / "net.onnx", tmp_path / "heads.safetensors")
    encoder = EncoderNet.load(tmp_path / "net.onnx")
    columns = join_rows([build_said_rows(clip, None)]).columns
    rows = np.stack([encoder.encode(part[0]) for part in columns])
    assert float(np.linalg.norm(rows, axis=1).mean()) == pytest.approx(MEAN_NORM, rel=0.02)
    with torch.inference_mode():
        told = whole.average(torch.from_numpy(columns))["shape"][:, MIDDLE_JAW].numpy()
        assert np.abs(read_jaw(load_file(tmp_path / "heads.safetensors"), rows) - told).max() < 0.02
