"""Teaches the network that judges whether a mouth and a window of sound belong together."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avatar_engine.lipsync.synctalk_2d.checkpoint import save_state
from avatar_engine.lipsync.synctalk_2d.training.atomic import explain_full_disk
from avatar_engine.lipsync.synctalk_2d.training.batches import Feeder
from avatar_engine.lipsync.synctalk_2d.training.dataset import TrainingSet
from avatar_engine.lipsync.synctalk_2d.training.losses import build_agreement_loss
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions
from avatar_engine.lipsync.synctalk_2d.training.phase import PhaseName, choose_rate, set_rate

if TYPE_CHECKING:
    from torch import Tensor

_VALIDATED = 256
SYNCNET_FILE = "syncnet.safetensors"


class SyncPhase:
    """True pictures with their own sound and with sound of 0.2 to 1 s beside; half of the loss is for either."""

    name: PhaseName = "syncnet"
    goal = "told_apart"

    def __init__(self, data: TrainingSet, options: TrainingOptions, device: str) -> None:
        import torch

        from avatar_engine.lipsync.synctalk_2d.nets.syncnet import SyncNet

        self.steps, self.batch = options.sync_steps, options.sync_batch
        self._options, self._device, self._data = options, device, data
        self._feeder = Feeder(data, options.net, options.seed + 1, device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            net = SyncNet(options.net)
        self.net = net.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self._optimiser = torch.optim.Adam(self.net.parameters(), lr=options.learning_rate, fused=True)

    def step(self, step: int, start: int, count: int) -> dict[str, Tensor]:
        options = self._options
        rate = choose_rate(step, self.steps, options.learning_rate, options.warmup_steps, options.schedule)
        set_rate(self._optimiser, rate)
        self._optimiser.zero_grad(set_to_none=True)
        with self._cast():
            right, wrong = self._compare(*self._feeder.take_pairs(start, count))
            near, far = build_agreement_loss(*right, True), build_agreement_loss(*wrong, False)
        total = (near + far) / 2
        total.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return {"loss": total.detach(), "true": near.detach(), "false": far.detach()}

    def validate(self) -> dict[str, float]:
        """`told_apart`: share of held-out pictures that fit their own sound better than sound from beside."""
        import torch

        held_out = self._data.split.held_out
        places = np.linspace(0, len(held_out) - 1, min(_VALIDATED, len(held_out))).round().astype(np.int64)
        true, false = [], []
        self.net.eval()
        for samples in np.array_split(held_out[places], -(-len(places) // self.batch)):
            rng = np.random.default_rng([self._options.seed, 3, int(samples[0])])
            with torch.no_grad(), self._cast():
                right, wrong = self._compare(*self._feeder.gather_pairs(samples, rng))
            true += (right[0] * right[1]).sum(dim=1).tolist()
            false += (wrong[0] * wrong[1]).sum(dim=1).tolist()
        self.net.train()
        return {
            "told_apart": float(np.mean(np.array(true) > np.array(false))),
            "cosine_true": float(np.mean(true)),
            "cosine_false": float(np.mean(false)),
        }

    def state(self) -> dict[str, Any]:
        return {"net": self.net.state_dict(), "optimiser": self._optimiser.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self._optimiser.load_state_dict(state["optimiser"])

    def save_best(self, folder: Path, found: dict[str, float]) -> None:
        metadata = {name: f"{value:.6g}" for name, value in found.items()}
        with explain_full_disk(folder / SYNCNET_FILE):
            save_state(folder / SYNCNET_FILE, self.net.state_dict(), metadata)

    def _compare(
        self, faces: Tensor, true: Tensor, false: Tensor
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Unit rows float[B, E] of faces and true sound, and of faces and false sound."""
        import torch

        count = len(faces)
        # One pass over both kinds of sound, so that batch statistics do not tell them apart.
        face, sound = self.net.face_encoder(faces), self.net.audio_encoder(torch.cat([true, false]))
        rows = torch.nn.functional.normalize(face.flatten(1).float(), dim=1)
        sounds = torch.nn.functional.normalize(sound.flatten(1).float(), dim=1)
        return (rows, sounds[:count]), (rows, sounds[count:])

    def _cast(self) -> AbstractContextManager[Any]:
        import torch

        wanted = self._options.precision == "bf16"
        return torch.autocast(torch.device(self._device).type, torch.bfloat16, enabled=wanted)
