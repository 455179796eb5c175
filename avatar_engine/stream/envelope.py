"""One video frame and its sound, as it travels from render to every web process (docs/wire-protocol.md, section 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from avatar_engine.errors import WireError
from avatar_engine.stream.codec import CodecConfig

MAGIC = b"FLM1"
MAX_VIDEO_BYTES = 4 << 20
MAX_AUDIO_PACKETS = 8
MAX_CONFIG_BYTES = 4096

_HEAD = struct.Struct("<4sBBHQIIQQI")
_KEY, _CONFIG, _SPEAKING, _IDLE = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class MediaEnvelope:
    """A frame at `pts` (48 kHz samples since the start of `epoch`), with the Opus packets of the same 40 ms.

    video:      one H.264 access unit in AVCC form, 4-byte lengths, no parameter sets.
    audio:      Opus packets of 20 ms; the first was encoded from the samples at `pts`.
    seq:        counts frames of one encoder; a gap means that a frame was lost.
    generation: interrupt generation that the frame belongs to.
    wall_us:    clock of the render process when the frame was rendered, microseconds since 1970.
    key:        decoding can start here; `config` is then present, and only then.
    speaking:   the mouth is driven by speech.
    idle:       a frame of the idle clip.
    """

    epoch: int
    seq: int
    generation: int
    pts: int
    wall_us: int
    video: bytes
    audio: tuple[bytes, ...]
    config: CodecConfig | None = None
    speaking: bool = False
    idle: bool = False

    @property
    def key(self) -> bool:
        return self.config is not None

    @property
    def flags(self) -> int:
        """The flags byte of the envelope and of the page's fragment header."""
        start = _KEY | _CONFIG if self.config is not None else 0
        return start | (_SPEAKING if self.speaking else 0) | (_IDLE if self.idle else 0)

    def pack(self) -> bytes:
        """The wire form. Raises `ValueError` where a field does not fit it."""
        config = b"" if self.config is None else self.config.to_json()
        check_sizes(len(config), len(self.video), [len(packet) for packet in self.audio], ValueError)
        try:
            head = _HEAD.pack(
                MAGIC,
                self.flags,
                len(self.audio),
                len(config),
                self.epoch,
                self.seq,
                self.generation,
                self.pts,
                self.wall_us,
                len(self.video),
            )
        except struct.error as error:
            raise ValueError(f"media envelope: {error}") from error
        lengths = struct.pack(f"<{len(self.audio)}H", *map(len, self.audio))
        return b"".join((head, lengths, config, self.video, *self.audio))

    @classmethod
    def unpack(cls, data: bytes | memoryview) -> MediaEnvelope:
        """Read `pack`'s bytes, all of them. Raises `WireError` on anything else."""
        view = memoryview(data)
        if len(view) < _HEAD.size:
            raise WireError("media envelope shorter than its header")
        magic, flags, count, config_size, epoch, seq, generation, pts, wall_us, video_size = _HEAD.unpack_from(view)
        if magic != MAGIC or flags & ~0x0F:
            raise WireError("not a media envelope of this version")
        if bool(flags & _KEY) != bool(flags & _CONFIG) or bool(flags & _CONFIG) != (config_size > 0):
            raise WireError("a key frame and only a key frame carries a config")
        try:
            audio_sizes = struct.unpack_from(f"<{count}H", view, _HEAD.size)
        except struct.error as error:
            raise WireError("media envelope ends inside its header") from error
        check_sizes(config_size, video_size, audio_sizes, WireError)
        at = _HEAD.size + 2 * count
        if len(view) != at + config_size + video_size + sum(audio_sizes):
            raise WireError("media envelope of another length than it says")
        parts = []
        for size in (config_size, video_size, *audio_sizes):
            parts.append(bytes(view[at : at + size]))
            at += size
        return cls(
            epoch=epoch,
            seq=seq,
            generation=generation,
            pts=pts,
            wall_us=wall_us,
            video=parts[1],
            audio=tuple(parts[2:]),
            config=CodecConfig.from_json(parts[0]) if config_size else None,
            speaking=bool(flags & _SPEAKING),
            idle=bool(flags & _IDLE),
        )


def check_sizes(
    config_size: int, video_size: int, audio_sizes: list[int] | tuple[int, ...], error: type[Exception]
) -> None:
    """Raise `error` where a part is empty or larger than the wire allows."""
    if config_size > MAX_CONFIG_BYTES:
        raise error(f"config of {config_size} bytes")
    if not 0 < video_size <= MAX_VIDEO_BYTES:
        raise error(f"video frame of {video_size} bytes")
    if len(audio_sizes) > MAX_AUDIO_PACKETS or any(not 0 < size < 1 << 16 for size in audio_sizes):
        raise error("more or larger sound packets than one frame has")
