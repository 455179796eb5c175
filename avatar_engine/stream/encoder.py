"""Pictures and sound of one room, encoded once for every viewer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from avatar_engine.stream.codec import CodecConfig
from avatar_engine.stream.envelope import MediaEnvelope
from avatar_engine.stream.h264 import build_avcc, build_avcc_unit
from avatar_engine.timing import CHUNK_MS, CHUNK_SAMPLES, FPS, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from avatar_engine.types import Int16, UInt8

GOP_FRAMES = 50
KEYFRAME_GAP_SAMPLES = SAMPLE_RATE_HZ
CRF = 23
OPUS_BITS = 64_000
PEAK_SHARE = 0.5
BASE_KBPS = 1000
BASE_PIXELS = 512 * 512
_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)
_BT601 = 6
_LIMITED_RANGE = 1


class StreamEncoder(Protocol):
    """Turns frames into envelopes with no frame of delay. One thread at a time; `request_keyframe` from any."""

    @property
    def config(self) -> CodecConfig: ...

    def encode(
        self, rgb: UInt8, pcm: Int16, *, epoch: int, pts: int, speaking: bool, generation: int, idle: bool = False
    ) -> MediaEnvelope:
        """Encode uint8[height, width, 3] RGB and its int16[1920] at `pts`.

        Calls are in order of `pts`, without a gap. Raises `ValueError` on other shapes.
        """
        ...

    def request_keyframe(self) -> None:
        """Make a coming frame a key frame: the next, or the first that is a second after the last one asked for."""
        ...

    def close(self) -> None:
        """Free the codecs; `encode` must not be called any more."""
        ...


class H264OpusEncoder:
    """x264 superfast zerolatency baseline, and Opus in 20 ms packets.

    Sound and picture line up by one formula: the Opus packet made from input samples [p, p + 960) decodes to
    output samples that lag by `config.preskip`, so its place on a player's time line is p - preskip.
    `fmp4.build_fragment` applies it; envelopes keep p.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        fps: int = FPS,
        video_kbps: int | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`video_kbps` None means `default_kbps`. `wall` gives seconds since 1970."""
        if fps != FPS:
            raise ValueError(f"the sample clock has {FPS} frames a second, not {fps}")
        if width % 2 or height % 2:
            raise ValueError(f"4:2:0 wants even sides, not {width}x{height}")
        self._shape = (height, width, 3)
        self._wall = wall
        self._video = open_x264(width, height, video_kbps or default_kbps(width, height))
        self._audio = open_opus()
        preskip = int.from_bytes(self._audio.extradata[10:12], "little")
        self._config = CodecConfig(width, height, fps, build_avcc(self._video.extradata), preskip)
        self._seq = 0
        self._keyframe_wanted = False
        self._last_asked_pts: int | None = None

    @property
    def config(self) -> CodecConfig:
        return self._config

    def encode(
        self, rgb: UInt8, pcm: Int16, *, epoch: int, pts: int, speaking: bool, generation: int, idle: bool = False
    ) -> MediaEnvelope:
        wall_us = int(self._wall() * 1_000_000)
        if rgb.dtype != np.uint8 or rgb.shape != self._shape:
            raise ValueError(f"picture is {rgb.dtype}{rgb.shape}, wants uint8{self._shape}")
        if pcm.dtype != np.int16 or pcm.shape != (SAMPLES_PER_FRAME,):
            raise ValueError(f"sound is {pcm.dtype}{pcm.shape}, wants int16[{SAMPLES_PER_FRAME}]")
        video, key = self._encode_picture(rgb, pts)
        audio = tuple(
            self._encode_sound(pcm[at : at + CHUNK_SAMPLES], pts + at)
            for at in range(0, SAMPLES_PER_FRAME, CHUNK_SAMPLES)
        )
        envelope = MediaEnvelope(
            epoch=epoch,
            seq=self._seq,
            generation=generation,
            pts=pts,
            wall_us=wall_us,
            video=video,
            audio=audio,
            config=self._config if key else None,
            speaking=speaking,
            idle=idle,
        )
        self._seq += 1
        return envelope

    def request_keyframe(self) -> None:
        self._keyframe_wanted = True

    def close(self) -> None:
        # PyAV frees a codec with its last reference; it has no explicit close.
        del self._video, self._audio

    def _encode_picture(self, rgb: UInt8, pts: int) -> tuple[bytes, bool]:
        """One access unit in AVCC form, and whether it is an IDR."""
        frame = av.VideoFrame.from_ndarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), format="yuv420p")
        frame.pts = pts
        frame.time_base = _TIME_BASE
        if self._keyframe_due(pts):
            frame.pict_type = PictureType.I
            self._keyframe_wanted = False
            self._last_asked_pts = pts
        (packet,) = self._video.encode(frame)
        return build_avcc_unit(bytes(packet)), bool(packet.is_keyframe)

    def _keyframe_due(self, pts: int) -> bool:
        last = self._last_asked_pts
        return self._keyframe_wanted and (last is None or pts - last >= KEYFRAME_GAP_SAMPLES)

    def _encode_sound(self, pcm: Int16, pts: int) -> bytes:
        """The one Opus packet made from exactly these 960 samples."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm[np.newaxis]), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = pts
        frame.time_base = _TIME_BASE
        (packet,) = self._audio.encode(frame)
        return bytes(packet)


def default_kbps(width: int, height: int) -> int:
    """Bits for a talking head: 1 Mbit/s at 512x512 and about 2 at 1280x720, where a face has softer detail."""
    return round(BASE_KBPS * math.pow(width * height / BASE_PIXELS, 0.55))


def open_x264(width: int, height: int, kbps: int) -> Any:
    """An open PyAV codec context: constant quality while `kbps` is enough for it, and no second over 1.5 x `kbps`."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = _TIME_BASE, Fraction(FPS)
    codec.thread_count, codec.gop_size = 1, GOP_FRAMES
    # Browsers guess BT.709 for larger pictures; cv2 makes BT.601.
    codec.color_range = _LIMITED_RANGE
    codec.colorspace = codec.color_primaries = codec.color_trc = _BT601
    codec.flags |= av.codec.context.Flags.global_header
    codec.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": str(CRF),
        # The decoder model lets T seconds have at most maxrate * T + bufsize bits.
        "maxrate": f"{kbps}k",
        "bufsize": f"{round(kbps * PEAK_SHARE)}k",
        "forced-idr": "1",
    }
    codec.open()
    return codec


def open_opus() -> Any:
    """An open PyAV codec context whose every 960 samples give one packet at once."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = SAMPLE_RATE_HZ, "mono", "s16"
    codec.bit_rate, codec.time_base = OPUS_BITS, _TIME_BASE
    codec.options = {"application": "lowdelay", "frame_duration": str(CHUNK_MS)}
    codec.open()
    return codec
