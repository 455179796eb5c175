"""The source video at 25 frames a second, upright, even-sized, without sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from avatar_engine.errors import PreparationError
from avatar_engine.lipsync.synctalk_2d.source_video import SourceWriter, read_source
from avatar_engine.prepare.colour import ColourReader
from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.probe import Source, check_seconds, open_source
from avatar_engine.prepare.reasons import refuse
from avatar_engine.prepare.retime import Retimer
from avatar_engine.timing import FPS
from avatar_engine.types import UInt8


@dataclass(frozen=True, slots=True)
class Picture:
    """What `write_picture` wrote.

    frames: at 25 a second. starts_s: time of the first one on the source's clock, which its sound shares.
    broken: frames that were lost or came out damaged. varies: whether the source had no fixed frame rate.
    """

    frames: int
    starts_s: float
    broken: int
    varies: bool


def write_picture(source: Source, path: Path, limits: Limits, seen: Callable[[int], None]) -> Picture:
    """Decode, turn, scale and retime the source into `path`. `seen` is told how many frames are written.

    Raises `SourceRefused` for a video that is damaged, breaks off, or turns out to have another length;
    `AvatarFolderError` and `PreparationError` where the disk refuses.
    """
    retimer, colours, reading = Retimer(), ColourReader(source.light), _Reading()
    starts_s = Fraction(0)
    shown: UInt8 | None = None
    with open_source(source.path) as container, SourceWriter(path, source.width, source.height) as writer:
        for time_s, frame in _decode(container, reading):
            count = retimer.push(time_s)
            if count is None:
                continue
            if shown is None:
                starts_s = time_s
            else:
                _write(writer, shown, count, seen)
            if retimer.seconds > limits.most_seconds:
                raise refuse("too_long", minutes=round(retimer.seconds / 60), most=round(limits.most_seconds / 60))
            shown = fit_picture(colours.read(frame), source)
        if shown is None:
            raise refuse("no_picture")
        _write(writer, shown, retimer.finish(), seen)
        frames = writer.frames
    _check_whole(source, frames, reading, limits)
    if next(read_source(path, frames - 1, frames), None) is None:  # a full disk may swallow the end without a word
        raise PreparationError("the video could not be written to its end: is the disk full?")
    return Picture(frames, float(starts_s), reading.broken, retimer.varies)


def fit_picture(rgb: UInt8, source: Source) -> UInt8:
    """Turn and scale a stored picture to the one that is to be seen, uint8[source.height, source.width, 3]."""
    turned = np.rot90(rgb, source.quarter_turns)
    height, width = turned.shape[:2]
    if (width, height) == (source.width, source.height):
        return np.ascontiguousarray(turned)
    if 0 <= width - source.width <= 1 and 0 <= height - source.height <= 1:  # only an odd row or column too much
        return np.ascontiguousarray(turned[: source.height, : source.width])
    shrinks = source.width * source.height < width * height
    size = (source.width, source.height)
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(turned), size, interpolation=way), np.uint8)


@dataclass(slots=True)
class _Reading:
    """broken: packets and frames that were damaged. ends_s: how far the file's packets of any kind reach."""

    broken: int = 0
    ends_s: Fraction = Fraction(0)


def _decode(container: Any, reading: _Reading) -> Iterator[tuple[Fraction, Any]]:
    """Frames with their times in seconds; damaged packets are counted and passed over."""
    stream = container.streams.video[0]
    stream.codec_context.thread_count = 1
    packets = container.demux()
    while True:
        try:
            packet = next(packets)
            if packet.pts is not None and packet.time_base:
                reading.ends_s = max(reading.ends_s, (packet.pts + (packet.duration or 0)) * packet.time_base)
            frames = packet.decode() if packet.stream.index == stream.index else []
        except (StopIteration, av.error.EOFError):
            return
        except av.FFmpegError:  # the packets end after one that could not even be read
            reading.broken += 1
            continue
        for frame in frames:
            reading.broken += bool(frame.is_corrupt)
            if frame.pts is not None and frame.time_base:
                yield Fraction(frame.pts) * frame.time_base, frame


def _write(writer: SourceWriter, rgb: UInt8, count: int, seen: Callable[[int], None]) -> None:
    for _ in range(count):
        writer.write(rgb)
        seen(writer.frames)


def _check_whole(source: Source, frames: int, reading: _Reading, limits: Limits) -> None:
    ends_s = float(reading.ends_s)
    if source.ends_s is not None and ends_s < source.ends_s * limits.least_time_share - 0.2:
        raise refuse("cut_off", seconds=round(ends_s, 1), stated=round(source.ends_s, 1))
    check_seconds(frames / FPS, limits)
    if reading.broken > max(1, frames * limits.most_broken_share):
        raise refuse("damaged", broken=reading.broken, frames=frames)
