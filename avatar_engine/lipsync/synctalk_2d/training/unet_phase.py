"""Teaches the picture network."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avatar_engine.lipsync.synctalk_2d.checkpoint import save_state
from avatar_engine.lipsync.synctalk_2d.training.atomic import explain_full_disk
from avatar_engine.lipsync.synctalk_2d.training.batches import Batch, Feeder
from avatar_engine.lipsync.synctalk_2d.training.dataset import TrainingSet
from avatar_engine.lipsync.synctalk_2d.training.losses import (
    build_agreement_loss,
    build_difference_loss,
    build_perceptual_loss,
    cut_pieces,
)
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions
from avatar_engine.lipsync.synctalk_2d.training.phase import PhaseName, choose_rate, set_rate
from avatar_engine.lipsync.synctalk_2d.training.samples import write_sample_sheet
from avatar_engine.types import Int32

if TYPE_CHECKING:
    from torch import Tensor, nn

_VALIDATED = 96
"""Held-out pictures that are looked at, spread evenly."""
_SHOWN = 4
UNET_FILE = "unet.safetensors"


class UNetPhase:
    """The picture network against true pictures: plain difference, perceptual difference and sync.

    vgg:    from `load_vgg`, or None to leave the perceptual loss out.
    judge:  a trained SyncNet that is frozen here, or None to leave its loss out.
    """

    name: PhaseName = "unet"
    goal = "psnr_db"

    def __init__(
        self,
        data: TrainingSet,
        options: TrainingOptions,
        device: str,
        vgg: nn.Module | None = None,
        judge: nn.Module | None = None,
    ) -> None:
        import torch

        from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet
        from avatar_engine.lipsync.synctalk_2d.training.average import WeightAverage

        self.steps, self.batch = options.steps, options.batch
        self._options, self._device, self._data = options, device, data
        self._feeder = Feeder(data, options.net, options.seed, device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            net = UNet(options.net)
        self._net = net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self._average = WeightAverage(self._net, options.ema) if options.ema else None
        self._optimiser = torch.optim.Adam(self._net.parameters(), lr=options.learning_rate, fused=True)
        self._vgg = vgg.to(device) if vgg is not None and options.perceptual_weight else None
        self._judge = judge.to(device).eval().requires_grad_(False) if judge is not None else None

    def step(self, step: int, start: int, count: int) -> dict[str, Tensor]:
        options = self._options
        batch = self._feeder.take(start, count)
        rate = choose_rate(step, options.steps, options.learning_rate, options.warmup_steps, options.schedule)
        set_rate(self._optimiser, rate)
        self._optimiser.zero_grad(set_to_none=True)
        with self._cast():
            drawn = self._net(batch.picture, batch.audio).float()
            losses = self._judge_picture(drawn, batch, step)
        total = sum(losses.values(), start=drawn.new_zeros(()))
        total.backward()
        self._optimiser.step()
        if self._average:
            self._average.follow(self._net, step + 1)
        return {"loss": total.detach(), **{name: loss.detach() for name, loss in losses.items()}}

    def validate(self) -> dict[str, float]:
        held_out = self._choose_held_out(_VALIDATED)
        squares, mouth_squares, differences = [], [], []
        for samples in np.array_split(held_out, -(-len(held_out) // self.batch)):
            batch, drawn = self._draw(samples)
            x0, y0, x1, y1 = self._options.net.mask_box
            wrong = (drawn - batch.target)[:, :, y0:y1, x0:x1]
            squares += wrong.square().mean(dim=(1, 2, 3)).tolist()
            differences += wrong.abs().mean(dim=(1, 2, 3)).tolist()
            mouth_squares += _measure_mouths(drawn, batch)
        return {
            "psnr_db": _to_psnr(squares),
            "mouth_psnr_db": _to_psnr(mouth_squares),
            "held_out_difference": float(np.mean(differences)),
        }

    def state(self) -> dict[str, Any]:
        state = {"net": self._net.state_dict(), "optimiser": self._optimiser.state_dict()}
        return state | ({"average": self._average.net.state_dict()} if self._average else {})

    def load(self, state: dict[str, Any]) -> None:
        self._net.load_state_dict(state["net"])
        self._optimiser.load_state_dict(state["optimiser"])
        if self._average:
            self._average.net.load_state_dict(state["average"])

    def save_best(self, folder: Path, found: dict[str, float]) -> None:
        metadata = {name: f"{value:.6g}" for name, value in found.items()}
        with explain_full_disk(folder / UNET_FILE):
            save_state(folder / UNET_FILE, self._best_net().state_dict(), metadata)
        batch, drawn = self._draw(self._choose_held_out(_SHOWN))
        write_sample_sheet(folder / "samples", int(found["step"]), batch, drawn)

    def _judge_picture(self, drawn: Tensor, batch: Batch, step: int) -> dict[str, Tensor]:
        options = self._options
        losses = {"difference": build_difference_loss(drawn, batch.target, batch.mouths, options.mouth_weight)}
        if self._vgg is not None and step % options.perceptual_every == 0:
            at = np.random.default_rng([options.seed, 2, step]).integers(1 << 30)
            pieces = cut_pieces(drawn, batch.target, options.net.mask_box, options.perceptual_px, int(at))
            weight = options.perceptual_weight * options.perceptual_every
            losses["perceptual"] = weight * build_perceptual_loss(self._vgg, *pieces)
        if self._judge is not None:
            face, sound = self._judge(drawn, batch.audio)
            losses["sync"] = options.sync_weight * build_agreement_loss(face, sound, True)
        return losses

    def _draw(self, samples: Int32) -> tuple[Batch, Tensor]:
        """The pictures of `samples` as the best weights draw them; references are the same at every look."""
        import torch

        batch = self._feeder.gather(samples, np.random.default_rng([self._options.seed, 3, int(samples[0])]))
        net = self._best_net()
        with torch.no_grad(), self._cast():
            drawn = net.eval()(batch.picture, batch.audio).float()
        self._net.train()
        return batch, drawn

    def _best_net(self) -> nn.Module:
        return self._average.net if self._average else self._net

    def _choose_held_out(self, count: int) -> Int32:
        held_out = self._data.split.held_out
        places = np.linspace(0, len(held_out) - 1, min(count, len(held_out))).round().astype(np.int64)
        return held_out[places]

    def _cast(self) -> AbstractContextManager[Any]:
        import torch

        wanted = self._options.precision == "bf16"
        return torch.autocast(torch.device(self._device).type, torch.bfloat16, enabled=wanted)


def _measure_mouths(drawn: Tensor, batch: Batch) -> list[float]:
    """Mean squared error inside each mouth's box."""
    wrong = (drawn - batch.target).square().mean(dim=1)
    boxes = batch.mouths.tolist()
    return [float(wrong[i, y0:y1, x0:x1].mean()) for i, (x0, y0, x1, y1) in enumerate(boxes) if x1 > x0 and y1 > y0]


def _to_psnr(squares: list[float]) -> float:
    """dB of the mean over pictures, peak 1; 0 where there is nothing to measure."""
    return float(np.mean([-10 * np.log10(max(square, 1e-10)) for square in squares])) if squares else 0.0
