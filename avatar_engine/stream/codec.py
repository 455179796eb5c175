"""What a decoder must know before the first packet."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from avatar_engine.errors import WireError

MAX_SIDE = 8192
MAX_AVCC_BYTES = 1024
MAX_PRESKIP = 48_000


@dataclass(frozen=True, slots=True)
class CodecConfig:
    """Decoder configuration of one epoch.

    avcc:    AVCDecoderConfigurationRecord (ISO/IEC 14496-15), holds the only copy of the parameter sets.
    preskip: samples at 48 kHz by which the decoded Opus stream lags its input: decoded sample n is input n - preskip.
    """

    width: int
    height: int
    fps: int
    avcc: bytes
    preskip: int
    audio: str = "opus"

    def __post_init__(self) -> None:
        if not (2 <= self.width <= MAX_SIDE and 2 <= self.height <= MAX_SIDE and 1 <= self.fps <= 120):
            raise ValueError(f"no picture is {self.width}x{self.height} at {self.fps} fps")
        if not 7 <= len(self.avcc) <= MAX_AVCC_BYTES or self.avcc[0] != 1:
            raise ValueError("avcc is not a version 1 decoder configuration record")
        if not 0 <= self.preskip <= MAX_PRESKIP or self.audio != "opus":
            raise ValueError("the sound is not Opus with a preskip of at most a second")

    @property
    def video(self) -> str:
        """RFC 6381 name of the video codec, such as "avc1.42c01e"."""
        return f"avc1.{self.avcc[1:4].hex()}"

    @property
    def mime(self) -> str:
        """What a page hands to `MediaSource.isTypeSupported`."""
        return f'video/mp4; codecs="{self.video},{self.audio}"'

    def to_json(self) -> bytes:
        """The `config` part of a media envelope."""
        fields = {
            "video": self.video,
            "width": self.width,
            "height": self.height,
            "fps": self.fps,
            "avcc": base64.b64encode(self.avcc).decode(),
            "audio": self.audio,
            "preskip": self.preskip,
        }
        return json.dumps(fields, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> CodecConfig:
        """Read `to_json`'s bytes; raises `WireError` on anything else."""
        try:
            fields = json.loads(data)
            numbers = {name: fields[name] for name in ("width", "height", "fps", "preskip")}
            if any(type(value) is not int for value in numbers.values()):
                raise WireError("codec config with a size that is not a whole number")
            avcc = base64.b64decode(fields["avcc"], validate=True)
            config = cls(avcc=avcc, audio=fields["audio"], **numbers)
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
            raise WireError(f"codec config: {error}") from error
        if fields.get("video") != config.video:
            raise WireError("codec config names another video codec than its avcc")
        return config
