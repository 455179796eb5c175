"""The source video of an avatar: how it is written, and how its frames come back."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np

from avatar_engine.errors import AvatarFolderError
from avatar_engine.types import UInt8

FPS = 25
CRF = 16
GOP_FRAMES = 25
_BT601 = 6
_LIMITED_RANGE = 1


class SourceWriter:
    """Writes `source.mp4`: H.264 at 25 fps, no sound, no frame that depends on a later one."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        """`width` and `height` are even. The file is a video only after `close`."""
        if width % 2 or height % 2:
            raise ValueError(f"4:2:0 wants even sides, not {width}x{height}")
        self._path = path
        self._shape = (height, width, 3)
        try:
            self._file: Any = av.open(str(path), "w", format="mp4")
        except av.FFmpegError as error:
            raise self._explain(error) from error
        stream = self._file.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        stream.codec_context.gop_size = GOP_FRAMES
        stream.codec_context.color_range = _LIMITED_RANGE
        stream.codec_context.colorspace = _BT601
        stream.codec_context.color_primaries = _BT601
        stream.codec_context.color_trc = _BT601
        stream.codec_context.options = {"crf": str(CRF), "preset": "veryfast", "bf": "0", "threads": "1"}
        self._stream = stream
        self.frames = 0

    def __enter__(self) -> SourceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except AvatarFolderError:
            if kind is None:  # else there is a better reason already
                raise

    def write(self, rgb: UInt8) -> None:
        """The next frame, uint8[height, width, 3] RGB. Raises `AvatarFolderError` where the disk refuses."""
        if rgb.shape != self._shape or rgb.dtype != np.uint8:
            raise ValueError(f"frame is {rgb.dtype}{list(rgb.shape)}, wants uint8{list(self._shape)}")
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU601", dst_color_range="MPEG"
        )
        frame.pts, frame.time_base = self.frames, Fraction(1, FPS)
        self._put(frame)
        self.frames += 1

    def close(self) -> None:
        """Write what is left; may be called twice. Raises `AvatarFolderError` where the disk refuses."""
        if self._file is None:
            return
        file = self._file
        try:
            self._put(None)
            file.close()
        except av.FFmpegError as error:
            raise self._explain(error) from error
        finally:
            self._file = None

    def _put(self, frame: Any) -> None:
        try:
            self._file.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise self._explain(error) from error

    def _explain(self, error: av.FFmpegError) -> AvatarFolderError:
        return AvatarFolderError(f"{self._path.name} cannot be written: {error.strerror}")


def read_source(path: Path, start: int = 0, stop: int | None = None) -> Iterator[UInt8]:
    """Frames `start` to before `stop` of a source video, each uint8[height, width, 3] RGB.

    Ends early where the video does. Raises `AvatarFolderError` where it cannot be read.
    """
    try:
        with av.open(str(path)) as file:
            stream = file.streams.video[0]
            stream.codec_context.thread_count = 1
            if start:
                file.seek(int(start / FPS / stream.time_base), stream=stream)
            for frame in file.decode(stream):
                number = round(frame.time * FPS)
                if stop is not None and number >= stop:
                    return
                if number >= start:
                    yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    except (av.FFmpegError, OSError, IndexError, TypeError) as error:
        raise AvatarFolderError(f"{path.parent.name}: {path.name} cannot be read: {error}") from error
