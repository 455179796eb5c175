"""Which picture network a presenter has: size, widths and kind of audio features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

AudioKind = Literal["ave", "hubert", "wenet"]
AUDIO_KINDS: tuple[AudioKind, ...] = get_args(AudioKind)

RIM_PX = 4
BOTTLENECK_PX = 10
"""Sound and picture meet on a map of this side, so `inner` is this times a power of two."""

PUBLISHED_INNER_PX = 320
WIDTHS_320 = (32, 32, 64, 128, 256, 512)
WIDTHS_160 = (32, 64, 128, 256, 512)
_SMALLEST_PX = 80
_LARGEST_WIDTH = 2048


@dataclass(frozen=True, slots=True)
class NetSpec:
    """All that fixes the shapes of the networks of one presenter.

    inner:  side of the picture that the network draws, px: 320 as published, 160 for half the size.
    widths: channels of the picture encoder, from full size down to the bottleneck; each step halves the side.
    audio:  "ave" windows are float[16, 512], fed as [32, 16, 16]. The others are there for published weights.

    Raises `ValueError` where the numbers do not fit each other.
    """

    inner: int = PUBLISHED_INNER_PX
    widths: tuple[int, ...] = WIDTHS_320
    audio: AudioKind = "ave"

    def __post_init__(self) -> None:
        if self.audio not in AUDIO_KINDS:
            raise ValueError(f"audio must be one of {', '.join(AUDIO_KINDS)}, not {self.audio!r}")
        if len(self.widths) < 3 or self.inner < _SMALLEST_PX:
            raise ValueError(f"a picture of {self.inner} px with widths {self.widths} is too small")
        if self.inner != BOTTLENECK_PX << self.downs:
            raise ValueError(
                f"{self.downs} halvings of {self.inner} px do not end at {BOTTLENECK_PX} px; "
                f"give {BOTTLENECK_PX} times a power of two and one width more than halvings"
            )
        if not all(2 <= width <= _LARGEST_WIDTH and width % 2 == 0 for width in self.widths) or self.widths[-1] % 16:
            raise ValueError(
                f"widths must be even numbers in 2..{_LARGEST_WIDTH}, the last one a multiple of 16, not {self.widths}"
            )

    @property
    def downs(self) -> int:
        return len(self.widths) - 1

    @property
    def rim(self) -> int:
        """Pixels around the inner picture that the crop has and the network never touches."""
        return RIM_PX

    @property
    def crop(self) -> int:
        """Side of the square that is cut from the frame and put back, px."""
        return self.inner + 2 * RIM_PX

    @property
    def mask_box(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of the blackened part of the inner picture, px, ends exclusive."""
        return 5, 5, self.inner - 5, self.inner - 10

    @property
    def audio_width(self) -> int:
        """Channels of what the sound becomes, [audio_width, 10, 10]."""
        return self.widths[-1]

    @property
    def audio_shape(self) -> tuple[int, int, int]:
        """What the networks are fed per frame. Below the published size HuBERT and WeNet see half as many rows."""
        whole = self.inner >= PUBLISHED_INNER_PX
        if self.audio == "hubert":
            return (32 if whole else 16), 32, 32
        if self.audio == "wenet":
            return (256 if whole else 128), 16, 32
        return 32, 16, 16

    @property
    def up_widths(self) -> tuple[int, ...]:
        """Channels after each step up, from the bottleneck to full size: those of the next skip, at last half."""
        return (*reversed(self.widths[:-2]), self.widths[1] // 2)

    def to_json(self) -> dict[str, object]:
        return {"inner": self.inner, "widths": list(self.widths), "audio": self.audio}

    @classmethod
    def from_json(cls, body: object) -> NetSpec:
        """The inverse of `to_json`. Raises `ValueError` that says what is wrong."""
        if not isinstance(body, Mapping) or set(body) != {"inner", "widths", "audio"}:
            raise ValueError("a network is described by exactly inner, widths and audio")
        inner, widths = body["inner"], body["widths"]
        if type(inner) is not int or not isinstance(widths, list) or not all(type(width) is int for width in widths):
            raise ValueError("inner must be a whole number and widths a list of whole numbers")
        return cls(inner, tuple(widths), cast("AudioKind", body["audio"]))


PUBLISHED_328 = NetSpec()
ULTRALIGHT_160 = NetSpec(160, WIDTHS_160, "hubert")
