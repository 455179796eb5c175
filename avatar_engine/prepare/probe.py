"""What a source file says of itself, before anything is decoded at length."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av

from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.reasons import refuse

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegvideo,mpegts,asf,flv,ogg,mxf"
"""Containers that hold their own bytes. Playlists and lists of files could make us read others, even by network."""
_PICTURES = "image2,png_pipe,jpeg_pipe,gif,apng,webp_pipe,bmp_pipe,tiff_pipe,jpegxl_pipe,svg_pipe,psd_pipe,ico"
_PQ, _HLG = 16, 18

Light = Literal["sdr", "pq", "hlg"]


def _only(formats: str) -> dict[str, str]:
    return {"format_whitelist": formats, "protocol_whitelist": "file"}


@dataclass(frozen=True, slots=True)
class Source:
    """One readable video file.

    width, height: of the picture as it is to be seen, px, both even, after turning, squaring its pixels and scaling.
    quarter_turns: counter-clockwise turns of 90 degrees from the stored picture to the seen one.
    seconds: stated length; ends_s: its end on the clock of the file; both None where the file does not say.
    light: how brightness is coded.
    """

    path: Path
    width: int
    height: int
    quarter_turns: int
    seconds: float | None
    ends_s: float | None
    light: Light
    codec: str
    has_sound: bool


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Any]:
    """The file as a PyAV container; anything that FFmpeg cannot read is a refusal."""
    try:
        with av.open(str(path), options=_only(FORMATS), metadata_errors="replace") as container:
            yield container
    except av.FFmpegError as error:
        raise refuse("not_a_video", detail=error.strerror or type(error).__name__) from error


def probe_source(path: Path, limits: Limits) -> Source:
    """Look into the file. Raises `SourceRefused`."""
    _check_file(path)
    with open_source(path) as container:
        if not container.streams.video:
            raise refuse("no_picture")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise refuse("not_a_video", detail="nobody knows how its picture is coded")
        _check_pixels(stream, limits)
        seconds = container.duration / av.time_base if container.duration is not None else None
        if seconds is not None:
            check_seconds(seconds, limits)
        frame = _read_first_frame(container, stream)
        turns = round(frame.rotation / 90) % 4
        width, height = _choose_size(frame, stream, turns, limits)
        return Source(
            path=path,
            width=width,
            height=height,
            quarter_turns=turns,
            seconds=seconds,
            ends_s=None if seconds is None else seconds + (container.start_time or 0) / av.time_base,
            light=_read_light(stream),
            codec=stream.codec_context.name,
            has_sound=find_sound(container) is not None,
        )


def find_sound(container: Any) -> Any | None:
    """The first track of sound that can be decoded, or None."""
    return next((track for track in container.streams.audio if track.codec_context is not None), None)


def check_seconds(seconds: float, limits: Limits) -> None:
    """Refuse what is too short or too long. Raises `SourceRefused`."""
    if seconds < limits.least_seconds:
        raise refuse("too_short", seconds=round(seconds, 1), least=round(limits.least_seconds, 1))
    if seconds > limits.most_seconds:
        raise refuse("too_long", minutes=round(seconds / 60), most=round(limits.most_seconds / 60))


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError:
        raise refuse("missing") from None
    if not path.is_file():
        raise refuse("missing")
    if size == 0:
        raise refuse("empty")
    try:
        with av.open(str(path), options=_only(_PICTURES), metadata_errors="replace"):
            pass
    except av.FFmpegError:
        return
    raise refuse("picture")


def _check_pixels(stream: Any, limits: Limits) -> None:
    """Before a frame is decoded: one of a hostile file could take all memory."""
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > limits.most_pixels:
        raise refuse("too_large", width=width, height=height, most=round(limits.most_pixels / 1e6))


def _read_first_frame(container: Any, stream: Any) -> Any:
    """The first frame that can be decoded; the stream is at its beginning."""
    stream.codec_context.thread_count = 1
    for packet in container.demux(stream):
        with contextlib.suppress(av.FFmpegError):
            for frame in packet.decode():
                return frame
    raise refuse("no_picture")


def _choose_size(frame: Any, stream: Any, turns: int, limits: Limits) -> tuple[int, int]:
    ratio = stream.sample_aspect_ratio or Fraction(1)
    if not Fraction(1, 4) <= ratio <= 4:
        ratio = Fraction(1)
    width, height = float(frame.width * ratio), float(frame.height)
    if turns % 2:
        width, height = height, width
    if min(width, height) < limits.least_side_px:
        raise refuse("too_small", width=round(width), height=round(height), least=limits.least_side_px)
    scale = min(1.0, limits.longest_side_px / max(width, height))
    return int(width * scale) // 2 * 2, int(height * scale) // 2 * 2


def _read_light(stream: Any) -> Light:
    kind = int(stream.codec_context.color_trc or 0)
    return "pq" if kind == _PQ else "hlg" if kind == _HLG else "sdr"
