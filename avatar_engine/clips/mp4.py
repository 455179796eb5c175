"""Pictures and sound into an MP4 that any player and any phone takes: H.264 and AAC."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av

from avatar_engine.errors import ClipError
from avatar_engine.timing import FPS, SAMPLE_RATE_HZ
from avatar_engine.types import Int16, UInt8

CRF = 18
AAC_BITS = 128_000
_BT601 = 6
_LIMITED_RANGE = 1


class Mp4Writer:
    """Writes beside `path` and moves the file there when it is whole; nothing is left where writing fails."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        """`width` and `height` are even. Raises `ClipError` where the file cannot be made."""
        if width % 2 or height % 2:
            raise ValueError(f"4:2:0 wants even sides, not {width}x{height}")
        self._path = path
        self._draft = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self._file = av.open(str(self._draft), "w", format="mp4", options={"movflags": "+faststart"})
        except (av.FFmpegError, OSError) as error:
            raise ClipError(f"{path} cannot be written: {error}") from error
        video = self._file.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.color_range = _LIMITED_RANGE
        video.codec_context.colorspace = _BT601
        video.codec_context.color_primaries = _BT601
        video.codec_context.color_trc = _BT601
        video.codec_context.options = {"crf": str(CRF), "preset": "veryfast"}
        audio = self._file.add_stream("aac", rate=SAMPLE_RATE_HZ)
        audio.codec_context.layout = "mono"
        audio.codec_context.bit_rate = AAC_BITS
        self._video, self._audio = video, audio
        self._shape = (height, width, 3)
        self._frames = 0
        self._samples = 0

    def __enter__(self) -> Mp4Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
            return
        try:
            self._file.close()
        except (av.FFmpegError, OSError):
            pass  # the first error is the one to tell
        self._draft.unlink(missing_ok=True)

    def write(self, rgb: UInt8, pcm: Int16) -> None:
        """The next picture, uint8[height, width, 3] RGB, and its sound, int16[n] mono 48 kHz. Raises `ClipError`."""
        if rgb.shape != self._shape:
            raise ClipError(f"{self._path} cannot be written: a picture is {rgb.shape}, not {self._shape}")
        try:
            self._mux_picture(rgb)
            self._mux_sound(pcm)
        except (av.FFmpegError, OSError) as error:
            raise ClipError(f"{self._path} cannot be written: {error}") from error

    def _mux_picture(self, rgb: UInt8) -> None:
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU601", dst_color_range="MPEG"
        )
        frame.pts, frame.time_base = self._frames, Fraction(1, FPS)
        self._frames += 1
        self._file.mux(self._video.encode(frame))

    def _mux_sound(self, pcm: Int16) -> None:
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, self._samples, Fraction(1, SAMPLE_RATE_HZ)
        self._samples += len(pcm)
        self._file.mux(self._audio.encode(frame))

    def _finish(self) -> None:
        try:
            self._file.mux(self._video.encode(None))
            self._file.mux(self._audio.encode(None))
            self._file.close()
            self._draft.replace(self._path)
        except (av.FFmpegError, OSError) as error:
            self._draft.unlink(missing_ok=True)
            raise ClipError(f"{self._path} cannot be written: {error}") from error
