"""Two avatar folders from the GRID corpus, speaker s1: what he is learned from, and what he is tested on.

His face is for measuring alone: folders made here stay out of `data/avatars` and out of the repository.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import av
import numpy as np

from avatar_engine.evaluate.files import EvaluationFiles
from avatar_engine.evaluate.lips import LipReader
from avatar_engine.features.offline import encode_clip
from avatar_engine.lipsync.synctalk_2d.folder import POINTS, SOUND_RATE_HZ, AvatarFolder, AvatarInfo
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.prepare.smooth import build_crops, fill_gaps, smooth_points
from benchmarks.wave_file import write_wave

CLIP_FRAMES = 75
ENCODER = "ave_footlight"


def build_grid_avatar(corpus: Path, part: str, clips: int, folder: Path, files: EvaluationFiles) -> AvatarFolder:
    """The first `clips` clips of "train" or "test" as an avatar folder; one that is there and as long is kept."""
    avatar = AvatarFolder(folder)
    video = next(corpus.glob(f"{part}_*.mp4"))
    frames = count_frames(video.with_suffix(".csv"), clips)
    if avatar.is_complete and avatar.read_info().frames == frames:
        return avatar
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(video, avatar.source_path)
    points = find_points(read_source(video, 0, frames), frames, files)
    landmarks = smooth_points(fill_gaps(points))
    np.save(avatar.landmarks_path, landmarks)
    np.save(avatar.crops_path, build_crops(landmarks))
    sound = read_sound(video)[: frames * SOUND_RATE_HZ // 25]
    write_wave(avatar.audio_path, sound, SOUND_RATE_HZ)
    print(f"{part}: hearing {frames} frames", flush=True)
    np.save(avatar.features_path(ENCODER), encode_clip(sound / 32768.0, ENCODER))
    height, width = next(read_source(video, 0, 1)).shape[:2]
    digest = hashlib.sha256(video.read_bytes()).hexdigest()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    avatar.write_info(AvatarInfo(f"grid-{part}", width, height, frames, ENCODER, None, now, digest))
    return avatar


def count_frames(table: Path, clips: int) -> int:
    """Frames of the first `clips` clips of the corpus' list: clip, first frame, frames."""
    with table.open(encoding="utf-8") as file:
        return sum(int(row["frames"]) for row in list(csv.DictReader(file))[:clips])


def find_points(pictures: Iterable[np.ndarray], frames: int, files: EvaluationFiles) -> np.ndarray:
    """float32[frames, 478, 2]; NaN where no face is seen, as in the few frames that the corpus has broken."""
    reader = LipReader(files)
    points = np.full((frames, POINTS, 2), np.nan, np.float32)
    last = None
    for number, frame in enumerate(pictures):
        found = reader.find_near(frame, last) if last is not None and number % CLIP_FRAMES else reader.find(frame)
        last = found
        if found is not None:
            points[number] = found
        if number % 500 == 0:
            print(f"faces: {number} of {frames}", flush=True)
    return points


def read_pictures(video: Path, frames: int) -> Iterator[np.ndarray]:
    """At most `frames` frames, uint8[h, w, 3] RGB, of any video, whatever its times begin with."""
    with av.open(str(video)) as file:
        for frame in islice(file.decode(video=0), frames):
            yield frame.to_ndarray(format="rgb24")


def read_sound(video: Path) -> np.ndarray:
    """int16[n], mono 16 kHz."""
    with av.open(str(video)) as file:
        resampler = av.AudioResampler("s16", "mono", SOUND_RATE_HZ)
        parts = [part.to_ndarray().ravel() for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts)
