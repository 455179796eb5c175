"""What the drawn mouth does for phonemes and for sound, seen in pixels as well as in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from avatar_engine.features.spectral import COLUMNS, DIP, FIRST_BAND, LOUDNESS
from avatar_engine.lipsync.drawn.articulation import build_gestures, build_shape, build_shape_from_sound
from avatar_engine.lipsync.drawn.engine import DrawnEngine
from avatar_engine.lipsync.drawn.layout import MOUTH_Y, build_layout
from avatar_engine.lipsync.drawn.mouth import MouthPainter, measure_opening
from avatar_engine.lipsync.drawn.session import DrawnSession
from avatar_engine.lipsync.drawn.shape import PHONEME_VISEMES, REST, VISEMES, MouthShape
from avatar_engine.timing import FRAME_MS
from avatar_engine.types import Float32, Mark, SpeechWindow, UInt8

SIDE = 256
LOUD_DB, QUIET_DB = -18.0, -46.0
PHONE_MS = 100.0
MISAKI = "AIOQWYabdefhijklmnoprstuvwzæðŋɐɑɒɔəɚɛɜɡɪɹɾʃʊʌʒʤʧʔθᵊᵻT"


def build_marks(phonemes: str, phone_ms: float = PHONE_MS) -> tuple[Mark, ...]:
    return tuple(Mark("phoneme", sign, i * phone_ms, (i + 1) * phone_ms) for i, sign in enumerate(phonemes))


def build_row(loudness_db: float) -> Float32:
    row = np.full(COLUMNS, loudness_db - 12, np.float32)
    row[[LOUDNESS, DIP]] = loudness_db
    return row


def shape_at(phonemes: str, index: int) -> MouthShape:
    """Mouth in the frame that holds the middle of phoneme `index`."""
    frame = int((index + 0.5) * PHONE_MS // FRAME_MS)
    shape = build_shape(build_gestures(build_marks(phonemes)), frame)
    assert shape is not None
    return MouthShape(*shape.tolist())


@pytest.fixture(scope="module")
def session() -> DrawnSession:
    return DrawnEngine().open(1, SIDE, SIDE)


def say(session: DrawnSession, phonemes: str, loudness_db: float = LOUD_DB) -> list[UInt8]:
    frames = int(len(phonemes) * PHONE_MS / FRAME_MS)
    features = np.tile(build_row(loudness_db), (frames, 1))
    window = SpeechWindow(features, build_marks(phonemes), np.ones(frames, np.bool_))
    return list(session.render(window, np.arange(frames, dtype=np.int32)).rgb)


def hush(session: DrawnSession, frames: int) -> list[float]:
    """Lip gap of each silent frame."""
    gaps = []
    for pose in range(frames):
        window = SpeechWindow(np.zeros((1, 0), np.float32), (), np.zeros(1, np.bool_))
        session.render(window, np.array([pose], np.int32))
        gaps.append(session.mouth_opening)
    return gaps


def count_dark(frame: UInt8) -> int:
    """Pixels of the open mouth: far darker than any lip or skin, within the lips' reach."""
    layout = build_layout(SIDE, SIDE)
    x0, y0, x1, y1 = layout.box(0.45, MOUTH_Y - 0.03, 0.55, MOUTH_Y + 0.09)
    return int((frame[y0:y1, x0:x1].astype(int).sum(axis=2) < 170).sum())


def test_every_sign_of_the_voices_alphabet_has_a_viseme() -> None:
    assert not [sign for sign in MISAKI if sign not in PHONEME_VISEMES]
    assert 12 <= len(VISEMES) <= 18


@pytest.mark.parametrize("closed", "mbp")
@pytest.mark.parametrize("vowel", "ɑiuɔ")
def test_lips_meet_in_the_middle_frame_of_m_b_p(closed: str, vowel: str) -> None:
    for phonemes in (vowel + closed + vowel, vowel + closed, closed + vowel):
        assert measure_opening(shape_at(phonemes, phonemes.index(closed))) == 0.0


def test_the_shortest_m_between_open_vowels_still_closes() -> None:
    marks = (Mark("phoneme", "ɑ", 0, 130), Mark("phoneme", "m", 130, 155), Mark("phoneme", "ɑ", 155, 400))
    shape = build_shape(build_gestures(marks), int(142.5 // FRAME_MS))
    assert shape is not None
    assert measure_opening(MouthShape(*shape.tolist())) == 0.0


def test_pixels_show_the_open_a_and_the_closed_p(session: DrawnSession) -> None:
    frames = say(session, "ɑɑpɑɑ")
    closed = int(2.5 * PHONE_MS // FRAME_MS)
    assert count_dark(frames[closed]) == 0
    assert max(count_dark(frame) for frame in frames) > 25


def test_tie_length_and_clusters_are_read() -> None:
    gestures = build_gestures((Mark("phoneme", "t͡ʃ", 0, 100), Mark("phoneme", "uː", 100, 300)))
    assert [(g.viseme, g.start_ms, g.end_ms) for g in gestures] == [
        ("ridge", 0, 50),
        ("hush", 50, 100),
        ("oo", 100, 300),
    ]


def test_a_diphthong_moves_from_its_first_vowel_to_its_second() -> None:
    gestures = build_gestures((Mark("phoneme", "I", 0, 240),))
    early, late = (build_shape(gestures, frame) for frame in (1, 4))
    assert early is not None
    assert late is not None
    assert early[MouthShape._fields.index("jaw")] > 1.5 * late[MouthShape._fields.index("jaw")]


def test_stress_opens_the_vowel_further() -> None:
    plain = build_shape(build_gestures((Mark("phoneme", "ɛ", 0, 120),)), 1)
    stressed = build_shape(build_gestures((Mark("phoneme", "ˈɛ", 0, 120),)), 1)
    assert plain is not None
    assert stressed is not None
    assert stressed[0] > plain[0]


def test_word_marks_and_unknown_signs_shape_nothing() -> None:
    assert build_gestures((Mark("word", "map", 0, 300), Mark("phoneme", "☃", 300, 400))) == ()


def test_far_from_any_phoneme_the_marks_say_nothing() -> None:
    assert build_shape(build_gestures(build_marks("ɑ")), 20) is None


def test_every_viseme_looks_different() -> None:
    layout = build_layout(SIDE, SIDE)
    skin = np.full((SIDE, SIDE, 4), 200, np.uint8)
    painter = MouthPainter(skin, layout)
    pictures = {}
    for name, viseme in VISEMES.items():
        painter.paint(skin, viseme.shape)
        pictures[name] = skin.astype(int)
    names = sorted(pictures)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            changed = np.abs(pictures[first] - pictures[second]).max(axis=2) > 24
            assert changed.sum() > 20, (first, second)


def test_louder_speech_opens_wider(session: DrawnSession) -> None:
    gaps = []
    for loudness_db in (QUIET_DB, -30.0, LOUD_DB):
        hush(session, 5)
        say(session, "ɑɑɑ", loudness_db)
        gaps.append(session.mouth_opening)
    assert gaps[0] < 0.7 * gaps[1] < gaps[2]


def test_the_mouth_is_at_rest_120_ms_after_speech(session: DrawnSession) -> None:
    say(session, "ɑɑɑ")
    resting = measure_opening(REST)
    gaps = hush(session, 4)
    assert gaps[0] > gaps[1] > resting
    assert gaps[2:] == [resting, resting]


def test_without_marks_the_jaw_follows_the_sound(session: DrawnSession) -> None:
    hush(session, 5)
    levels = np.concatenate([np.full(6, LOUD_DB), np.full(6, QUIET_DB), np.full(6, LOUD_DB)])
    gaps = []
    for pose, level in enumerate(levels):
        window = SpeechWindow(build_row(float(level))[None], (), np.ones(1, np.bool_))
        session.render(window, np.array([pose], np.int32))
        gaps.append(session.mouth_opening)
    assert np.corrcoef(gaps, levels)[0, 1] > 0.8


def build_spectrum(loudness_db: float, bands: dict[int, float]) -> Float32:
    """A row with energy only in the named bands, in dB under the loudness."""
    row = np.full(COLUMNS, -96.0, np.float32)
    row[[LOUDNESS, DIP]] = loudness_db
    for band, under in bands.items():
        row[FIRST_BAND + band] = loudness_db - under
    return row


def test_the_spectrum_spreads_and_rounds_the_lips() -> None:
    front = MouthShape(*build_shape_from_sound(build_spectrum(-20, {0: 2, 4: 8, 5: 9}), -20).tolist())
    back = MouthShape(*build_shape_from_sound(build_spectrum(-20, {0: 1, 1: 6}), -20).tolist())
    hiss = MouthShape(*build_shape_from_sound(build_spectrum(-20, {6: 3, 7: 3}), -20).tolist())
    assert front.width > 0.3 > back.width
    assert back.round > 0.4 > front.round
    assert hiss.teeth > 0.9
    assert hiss.jaw < 0.3


def test_a_dip_inside_loud_sound_closes_the_lips() -> None:
    row = build_spectrum(-20, {0: 2, 2: 4})
    row[DIP] = -48.0
    assert measure_opening(MouthShape(*build_shape_from_sound(row, -18).tolist())) == 0.0
