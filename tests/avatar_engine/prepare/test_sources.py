"""What a source file may be like: refused with the right reason, or turned into plain upright frames at 25 a second."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.picture import Picture, write_picture
from avatar_engine.prepare.probe import Source, probe_source
from avatar_engine.prepare.reasons import WORDS, SourceRefused
from avatar_engine.prepare.sound import measure_sound, read_sound
from avatar_engine.types import Int16, UInt8
from tests.avatar_engine.prepare.conftest import write_video
from tests.rules.source import ROOT

LIMITS = Limits()


def paint(number: int, width: int = 320, height: int = 240) -> UInt8:
    """Red to the left, green at the top right, a white bar that moves down by two pixels a frame."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[:, : width // 2, 0] = 200
    frame[: height // 2, width // 2 :, 1] = 180
    frame[2 * number : 2 * number + 12] = 235
    return frame


def paint_all(frames: int = 75, width: int = 320, height: int = 240) -> list[UInt8]:
    return [paint(number, width, height) for number in range(frames)]


def build_tone(seconds: float, hertz: float = 440.0) -> Int16:
    """int16[n] mono 48 kHz."""
    time_s = np.arange(int(seconds * 48_000)) / 48_000
    return (8000 * np.sin(2 * np.pi * hertz * time_s)).astype(np.int16)


def take(path: Path, folder: Path) -> tuple[Source, Picture, list[UInt8]]:
    """The source, what was written, and the written frames."""
    source = probe_source(path, LIMITS)
    picture = write_picture(source, folder / "source.mp4", LIMITS, lambda _: None)
    return source, picture, list(read_source(folder / "source.mp4"))


def expect_reason(path: Path, code: str, tmp_path: Path) -> SourceRefused:
    with pytest.raises(SourceRefused) as caught:
        take(path, tmp_path)
    assert [reason.code for reason in caught.value.reasons] == [code]
    assert str(caught.value)
    return caught.value


def bar_place(frame: UInt8) -> float:
    """Middle row of the white bar."""
    rows = np.flatnonzero(frame[:, -8:].min(axis=(1, 2)) > 150)
    return float(rows.mean())


def test_every_reason_can_be_said() -> None:
    names = re.findall(r"\{(\w+)\}", " ".join(WORDS.values()))
    values: dict[str, Any] = dict.fromkeys(names, 1)
    assert all("{" not in words.format_map(values) for words in WORDS.values())


def test_plain_video_stays_as_it_is(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", paint_all(), build_tone(3))
    source, picture, frames = take(path, tmp_path)
    assert (source.width, source.height, source.has_sound, source.quarter_turns) == (320, 240, True, 0)
    assert (picture.frames, picture.broken, picture.varies) == (75, 0, False)
    assert all(np.abs(frame.astype(int) - paint(number)).mean() < 4 for number, frame in enumerate(frames))


@pytest.mark.parametrize("content", [b"", b"\x00" * 4096, b"hello, this is no video\n" * 200, b"\x1aE\xdf\xa3broken"])
def test_files_that_are_no_videos(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    expect_reason(path, "not_a_video" if content else "empty", tmp_path)


def test_file_that_is_not_there_and_folder(tmp_path: Path) -> None:
    expect_reason(tmp_path / "none.mp4", "missing", tmp_path)
    expect_reason(tmp_path, "missing", tmp_path)


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp", ".bmp", ".tiff", ".gif"])
def test_picture_under_the_name_of_a_video(tmp_path: Path, kind: str) -> None:
    done, content = cv2.imencode(kind, paint(3))
    assert done
    (tmp_path / "a.mp4").write_bytes(content.tobytes())
    expect_reason(tmp_path / "a.mp4", "picture", tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXTINF:3,\nsecret.mp4\n",
        "ffconcat version 1.0\nfile secret.mp4\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    ],
)
def test_list_that_names_other_files_is_not_followed(tmp_path: Path, text: str) -> None:
    write_video(tmp_path / "secret.mp4", paint_all(), build_tone(3))
    (tmp_path / "a.mp4").write_text(text)
    expect_reason(tmp_path / "a.mp4", "not_a_video", tmp_path)


def test_sound_without_a_picture(tmp_path: Path) -> None:
    expect_reason(write_video(tmp_path / "a.mp4", [], build_tone(3)), "no_picture", tmp_path)


def test_video_without_sound_is_told(tmp_path: Path) -> None:
    assert not probe_source(write_video(tmp_path / "a.mp4", paint_all()), LIMITS).has_sound


def test_four_hours(tmp_path: Path) -> None:
    hours = [Fraction(number * 4 * 3600, 9) for number in range(10)]
    refusal = expect_reason(write_video(tmp_path / "a.mp4", paint_all(10), times_s=hours), "too_long", tmp_path)
    assert refusal.reasons[0].values["minutes"] >= 240


def test_long_video_that_hides_its_length_is_stopped(tmp_path: Path) -> None:
    times = [*(Fraction(number, 25) for number in range(60)), Fraction(LIMITS.most_seconds + 60)]
    path = write_video(tmp_path / "a.mkv", paint_all(61), times_s=times, container={"live": "1"})
    assert probe_source(path, LIMITS).seconds is None
    expect_reason(path, "too_long", tmp_path)


def test_one_second_is_too_short(tmp_path: Path) -> None:
    expect_reason(write_video(tmp_path / "a.mp4", paint_all(25)), "too_short", tmp_path)


def test_tiny_picture(tmp_path: Path) -> None:
    expect_reason(write_video(tmp_path / "a.mp4", paint_all(75, 320, 120)), "too_small", tmp_path)


def test_picture_that_would_take_all_memory_is_not_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", paint_all())
    source = Limits(most_pixels=320 * 240 - 1)
    with pytest.raises(SourceRefused, match="320 x 240 px is too large"):
        probe_source(path, source)


def test_video_that_was_not_copied_to_its_end(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", paint_all(), build_tone(3), container={"movflags": "+faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    refusal = expect_reason(path, "cut_off", tmp_path)
    assert "copied to the end" in str(refusal)


def test_video_whose_index_was_lost(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", paint_all(), build_tone(3))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 9 // 10])
    expect_reason(path, "not_a_video", tmp_path)


def test_varying_frame_rate_is_placed_by_time(tmp_path: Path) -> None:
    times, now = [], Fraction(0)
    for number in range(75):
        times.append(now)
        now += Fraction(1, 20 if number % 4 else 50)
    frames = [paint(int(time_s * 25)) for time_s in times]
    source, picture, written = take(write_video(tmp_path / "a.mkv", frames, times_s=times), tmp_path)
    assert picture.varies
    assert abs(picture.frames - float(times[-1]) * 25) <= 3
    moved = [bar_place(frame) for frame in written]
    assert max(abs(place - (2 * number + 5.5)) for number, place in enumerate(moved)) <= 4.5
    assert source.seconds is not None


def turn_by_metadata(path: Path, degrees: int) -> None:
    """Write a display matrix into the track header of an MP4, as telephones do."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40  # version 0: matrix after 40 bytes
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = (cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    content[at : at + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_telephone_video_is_turned_upright(tmp_path: Path, degrees: int) -> None:
    upright = paint_all(75)
    turns = {90: 1, 180: 2, 270: 3}[degrees]
    stored = [np.ascontiguousarray(np.rot90(frame, turns)) for frame in upright]  # turned back clockwise by a player
    path = write_video(tmp_path / "a.mp4", stored)
    turn_by_metadata(path, degrees)
    source, _, frames = take(path, tmp_path)
    assert (source.width, source.height) == (320, 240)
    assert np.abs(frames[20].astype(int) - upright[20]).mean() < 4


def test_odd_sizes_lose_one_row_or_column(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", paint_all(75, 321, 243), pixels="yuv444p")
    source, _, frames = take(path, tmp_path)
    assert (source.width, source.height) == (320, 242)
    assert np.abs(frames[9].astype(int) - paint(9, 321, 243)[:242, :320]).mean() < 4


def test_large_picture_is_scaled_to_what_a_room_can_show(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", paint_all(51, 2880, 1620))
    source, _, frames = take(path, tmp_path)
    assert (source.width, source.height) == (1920, 1080)
    assert frames[0].shape == (1080, 1920, 3)


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", paint_all(), options={"preset": "ultrafast", "x264-params": "sar=16/11"})
    source = probe_source(path, LIMITS)
    assert (source.width, source.height) == (464, 240)


@pytest.mark.parametrize(
    ("pixels", "tags"),
    [
        ("yuv420p10le", {}),
        ("yuv422p", {}),
        ("yuvj420p", {"color_range": 2}),
        ("yuv420p", {"colorspace": 6, "color_range": 1}),
    ],
)
def test_colours_stay_whatever_the_format(tmp_path: Path, pixels: str, tags: dict[str, int]) -> None:
    path = write_video(tmp_path / "a.mkv", paint_all(), pixels=pixels, tags=tags)
    _, _, frames = take(path, tmp_path)
    assert np.abs(frames[3].astype(int) - paint(3)).mean() < 5


@pytest.mark.parametrize(("light", "code", "grey_code"), [("pq", 16, 0.58), ("hlg", 18, 0.75)])
def test_hdr_is_brought_to_the_normal_range(tmp_path: Path, light: str, code: int, grey_code: float) -> None:
    white = np.full((240, 320, 3), round(grey_code * 255), np.uint8)  # diffuse white of ITU-R BT.2408
    path = write_video(
        tmp_path / "a.mkv",
        [white // 2, *[white] * 60],
        pixels="yuv420p10le",
        tags={"color_trc": code, "color_primaries": 9, "colorspace": 9, "color_range": 1},
    )
    source, _, frames = take(path, tmp_path)
    assert source.light == light
    assert 225 < frames[40].mean() < 250
    assert np.ptp(frames[40].reshape(-1, 3).mean(axis=0)) < 4  # grey stays grey


def test_sound_stays_in_step_with_the_picture(tmp_path: Path) -> None:
    pcm = np.zeros(48_000 * 3, np.int16)
    pcm[48_000 : 48_000 + 2400] = build_tone(0.05, 1000)
    path = write_video(tmp_path / "a.mp4", paint_all(), pcm)
    source, picture, _ = take(path, tmp_path)
    heard, missing_s = read_sound(source, picture.starts_s, picture.frames)
    assert heard.size == 75 * 640
    assert missing_s < 0.1
    loud = np.flatnonzero(np.abs(heard) > 2000)
    assert loud[0] == pytest.approx(16_000, abs=40)


def test_sound_that_begins_before_the_picture_is_cut_and_short_sound_is_filled(tmp_path: Path) -> None:
    pcm = np.zeros(48_000 * 2, np.int16)
    pcm[48_000 : 48_000 + 2400] = build_tone(0.05, 1000)
    late = [Fraction(1, 2) + Fraction(number, 25) for number in range(75)]
    path = write_video(tmp_path / "a.mkv", paint_all(), pcm, times_s=late)
    source, picture, _ = take(path, tmp_path)
    assert picture.starts_s == pytest.approx(0.5, abs=0.01)
    heard, missing_s = read_sound(source, picture.starts_s, picture.frames)
    assert missing_s == pytest.approx(1.5, abs=0.1)
    assert np.flatnonzero(np.abs(heard) > 2000)[0] == pytest.approx(8_000, abs=60)


def test_speech_is_told_from_silence_and_overdrive() -> None:
    random = np.random.default_rng(3)
    room = random.normal(0, 20, 160_000)
    speech = room.copy()
    speech[40_000:100_000] += random.normal(0, 2500, 60_000)
    found = measure_sound(speech.astype(np.int16), 0.0, LIMITS)
    assert found.speech_share == pytest.approx(0.375, abs=0.02)
    assert found.snr_db > 35
    assert measure_sound(room.astype(np.int16), 0.0, LIMITS).speech_share < 0.02
    assert measure_sound(np.zeros(32_000, np.int16), 0.0, LIMITS).speech_share == 0
    over = np.clip(20 * speech, -32_768, 32_767).astype(np.int16)
    assert measure_sound(over, 0.0, LIMITS).clipped_share > 0.05


FULL = """
import resource, signal, sys
from pathlib import Path
from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.picture import write_picture
from avatar_engine.prepare.probe import probe_source
source = probe_source(Path(sys.argv[1]), Limits())
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
write_picture(source, Path(sys.argv[2]), Limits(), lambda _: None)
"""


@pytest.mark.parametrize("share", [0.3, 0.98])
def test_disk_that_is_full_is_never_taken_for_a_broken_source(tmp_path: Path, share: float) -> None:
    path = write_video(tmp_path / "a.mp4", paint_all(55))
    take(path, tmp_path)
    limit = int((tmp_path / "source.mp4").stat().st_size * share)
    command = [sys.executable, "-c", FULL, str(path), str(tmp_path / "full.mp4"), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(("avatar_engine.errors.AvatarFolderError", "avatar_engine.errors.PreparationError")), last
