"""Videos for preparation: real speakers, and what goes wrong made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avatar_engine.prepare.avatar import Order, Progress, prepare_avatar
from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.quality import Report
from avatar_engine.types import Int16, UInt8
from tests.support.face_weights import link_face_weights

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def speaker_path(shared: Path) -> Path:
    """3 s of a person who speaks, 360x288 at 25 fps, with sound."""
    return shared / "data" / "grid_unseen_speakers" / "s31_bgiq6p.mpg"


@pytest.fixture(scope="session")
def speaker_frames(speaker_path: Path) -> list[UInt8]:
    with av.open(str(speaker_path)) as file:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in file.decode(video=0)]


@pytest.fixture(scope="session")
def speaker_pcm(speaker_path: Path) -> Int16:
    """int16[n] mono 48 kHz."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
    with av.open(str(speaker_path)) as file:
        parts = [made.to_ndarray()[0] for frame in file.decode(audio=0) for made in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.int16)


def write_video(
    path: Path,
    frames: Iterable[UInt8],
    pcm: Int16 | None = None,
    *,
    times_s: Iterable[Fraction] | None = None,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    tags: dict[str, int] | None = None,
    container: dict[str, str] | None = None,
) -> Path:
    """A video file at 25 fps or at `times_s`, with mono 48 kHz sound where there is `pcm`."""
    with av.open(str(path), "w", options=container or {}) as file:
        video = None
        audio = file.add_stream("aac", rate=48_000, layout="mono") if pcm is not None else None
        clock = iter(times_s) if times_s is not None else (Fraction(number, 25) for number in range(10**6))
        for rgb, time_s in zip(frames, clock, strict=False):
            if video is None:
                video = file.add_stream(codec, rate=25, options=options or {"preset": "ultrafast", "crf": "18"})
                video.width, video.height, video.pix_fmt = rgb.shape[1], rgb.shape[0], pixels
                video.time_base = video.codec_context.time_base = Fraction(1, 12_800)
                for name, value in (tags or {}).items():
                    setattr(video.codec_context, name, value)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = int(time_s * 12_800), Fraction(1, 12_800)
            file.mux(video.encode(frame))
        if video is not None:
            file.mux(video.encode(None))
        if audio is not None and pcm is not None:
            for at in range(0, pcm.size, 1024):
                sound = av.AudioFrame.from_ndarray(pcm[None, at : at + 1024], format="s16", layout="mono")
                sound.sample_rate, sound.pts, sound.time_base = 48_000, at, Fraction(1, 48_000)
                file.mux(audio.encode(sound))
            file.mux(audio.encode(None))
    return path


@dataclass
class Bench:
    """A data folder with the face networks, and a preparation in it."""

    folder: Path
    said: list[Progress] = field(default_factory=list)

    @property
    def avatars(self) -> Path:
        return self.folder / "avatars"

    def order(self, source: Path, name: str = "mia", *, silent_ok: bool = False) -> Order:
        return Order(source, name, self.avatars, self.folder / "weights", silent_ok=silent_ok, limits=Limits())

    def prepare(
        self,
        source: Path,
        name: str = "mia",
        *,
        silent_ok: bool = False,
        tell: Callable[[Progress], None] | None = None,
    ) -> Report:
        return prepare_avatar(self.order(source, name, silent_ok=silent_ok), tell or self.said.append, lambda: NOON)

    def list_left(self) -> list[str]:
        """Everything below the avatars folder."""
        return sorted(path.relative_to(self.avatars).as_posix() for path in self.avatars.rglob("*"))


@pytest.fixture
def bench(shared: Path, tmp_path: Path) -> Bench:
    link_face_weights(shared, tmp_path / "weights")
    return Bench(tmp_path)
