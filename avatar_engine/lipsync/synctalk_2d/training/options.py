"""What one training does, fixed when it begins and kept with it, so that going on means the same thing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.spec import WIDTHS_160, NetSpec

Precision = Literal["fp32", "bf16"]
Schedule = Literal["constant", "cosine"]
NetName = Literal["328", "160", "narrow"]

NARROW_WIDTHS = (16, 32, 48, 96, 192)
"""What two CPU cores can train in an hour and draw in real time."""
NETS: dict[str, NetSpec] = {
    "328": NetSpec(),
    "160": NetSpec(160, WIDTHS_160),
    "narrow": NetSpec(160, NARROW_WIDTHS),
}


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Numbers of one training. Losses are of pictures in 0..1.

    steps, sync_steps:  steps of the picture network, and of the sync network before it; 0 leaves that one out.
    batch:              pictures a step; halved by itself where memory does not suffice.
    learning_rate:      Adam's, at the start. "cosine" lets it fall to a hundredth of that over the steps.
    warmup_steps:       steps over which the rate climbs to its start.
    perceptual_weight:  times the squared difference of VGG-19 activations; 0 leaves it out.
    perceptual_every:   steps between two that pay for it; its weight is multiplied by this, so that the sum stays.
    perceptual_px:      side of the random piece inside the mask box that it looks at, px; 0 is the whole picture.
    mouth_weight:       how much more the mouth counts than the rest, in the plain difference; 0 for the same.
    sync_weight:        times the loss of the sync network; 0 leaves it out.
    ema:                share that the averaged weights keep at each step; 0 keeps no average. The average is what
                        is validated and saved.
    reference_gap:      frames that lie at least between a picture and its reference, where references are drawn.
    validate_every:     steps between two looks at the held-out pictures.
    patience:           looks without a better picture after which training ends.
    checkpoint_every:   steps between two checkpoints; one is also written every `checkpoint_every_s` seconds.
    log_every:          steps that one line of the log sums up.
    """

    net: NetSpec = NETS["328"]
    seed: int = 1
    steps: int = 60_000
    sync_steps: int = 20_000
    batch: int = 8
    sync_batch: int = 16
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    schedule: Schedule = "cosine"
    perceptual_weight: float = 0.01
    perceptual_every: int = 1
    perceptual_px: int = 0
    mouth_weight: float = 1.0
    sync_weight: float = 10.0
    ema: float = 0.999
    reference_gap: int = 25
    precision: Precision = "fp32"
    validate_every: int = 500
    patience: int = 30
    checkpoint_every: int = 2_000
    checkpoint_every_s: float = 120.0
    log_every: int = 10

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.sync_batch, self.perceptual_every, self.log_every) < 1:
            raise TrainingError("steps, batch sizes and intervals must be at least 1")
        if min(self.validate_every, self.checkpoint_every, self.patience) < 1 or self.sync_steps < 0:
            raise TrainingError("intervals and patience must be at least 1, and no number of steps negative")
        if not 0 <= self.ema < 1 or self.learning_rate <= 0:
            raise TrainingError("ema must lie in 0..1 and the learning rate above 0")

    @property
    def wants_sync(self) -> bool:
        """Whether a sync network is trained and listened to."""
        return self.sync_weight > 0 and self.sync_steps > 0

    def to_json(self) -> dict[str, Any]:
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return fields | {"net": self.net.to_json()}

    @classmethod
    def from_json(cls, body: object) -> TrainingOptions:
        """The inverse of `to_json`. Raises `TrainingError` that says what is wrong."""
        if not isinstance(body, Mapping) or "net" not in body:
            raise TrainingError("the options of a training are not what Footlight wrote")
        try:
            return cls(**{**body, "net": NetSpec.from_json(body["net"])})
        except (TypeError, ValueError) as error:
            raise TrainingError(f"the options of a training cannot be read: {error}") from error


def choose_options(net: str, device: str, *, sync: bool | None = None, **changes: Any) -> TrainingOptions:
    """The usual options of net "328", "160" or "narrow" on "cpu" or "cuda"; `changes` win.

    On a CPU the sync network is left out unless asked for, and the perceptual loss looks at small pieces now and
    then: each costs more there than the small picture networks themselves.
    """
    if net not in NETS:
        raise TrainingError(f"no net {net!r}; choose one of {', '.join(NETS)}")
    chosen: dict[str, Any] = {"net": NETS[net]}
    if device == "cpu":
        chosen |= {"perceptual_every": 4, "perceptual_px": 64}
    if not (device != "cpu" if sync is None else sync):
        chosen |= {"sync_weight": 0.0, "sync_steps": 0}
    return TrainingOptions(**(chosen | changes))
