"""The training itself: lesson after lesson, resumable to the step."""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from avatar_engine.lipsync.drawn.shape import AXES
from avatar_engine.lipsync.synctalk_2d.encoder_training.filmed import LIPS
from avatar_engine.lipsync.synctalk_2d.encoder_training.lessons import Lessons, Rows
from avatar_engine.lipsync.synctalk_2d.encoder_training.targets import AROUND, VISEME_NAMES, shape_weights

if TYPE_CHECKING:
    from torch import Tensor

    from avatar_engine.lipsync.synctalk_2d.encoder_training.nets.encoder import TaughtEncoder

log = logging.getLogger(__name__)

STATE_FILE = "school.pt"
LOG_FILE = "log.jsonl"
HEADS = {"shape": AROUND * AXES, "viseme": len(VISEME_NAMES), "lips": AROUND * LIPS}
_VISEME_SHARE = 0.1
_LIPS_SHARE = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """lessons: how many in all. batch: rows a step. The learning rate falls from `rate` to nothing along a cosine."""

    lessons: int
    batch: int = 64
    rate: float = 2e-3
    warm_lessons: int = 1
    weight_decay: float = 1e-4
    average: float = 0.995
    seed: int = 1


class School:
    """One network in training, kept below a folder after every lesson."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Goes on from what `folder` holds."""
        import torch

        from avatar_engine.lipsync.synctalk_2d.encoder_training.nets.encoder import TaughtEncoder

        torch.manual_seed(plan.seed)
        self._folder = folder
        self._plan = plan
        # Half the time of the plain layout and of 32 bits, on processors with 16-bit arithmetic.
        self._net = TaughtEncoder(HEADS).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        follow = torch.optim.swa_utils.get_ema_multi_avg_fn(plan.average)  # type: ignore[no-untyped-call]
        self._average = torch.optim.swa_utils.AveragedModel(self._net, multi_avg_fn=follow, use_buffers=True)
        self._optimizer = torch.optim.AdamW(self._net.parameters(), plan.rate, weight_decay=plan.weight_decay)
        self._weights = torch.from_numpy(shape_weights())
        self.lesson = 0
        self._load()

    @property
    def average(self) -> TaughtEncoder:
        """The running mean of the weights, which is what is used."""
        return cast("TaughtEncoder", self._average.module).eval()

    def study(self, lessons: Lessons, until_s: float) -> bool:
        """Study until the plan is done or the clock (`time.monotonic`) says `until_s`; True when it is done."""
        while self.lesson < self._plan.lessons and time.monotonic() < until_s:
            began = time.monotonic()
            rows = lessons.build(self.lesson)
            built_s = time.monotonic() - began
            losses = self._study_rows(rows)
            self.lesson += 1
            self._save()
            self._note(losses, len(rows.said), built_s, time.monotonic() - began)
        return self.lesson >= self._plan.lessons

    def _study_rows(self, rows: Rows) -> dict[str, float]:
        import torch

        self._net.train()
        sums: dict[str, float] = {}
        batches = max(1, len(rows.said) // self._plan.batch)
        for number, places in enumerate(np.array_split(np.arange(len(rows.said)), batches)):
            self._set_rate(self.lesson + number / batches)
            losses = self._build_losses(rows.take(places))
            loss = torch.stack(list(losses.values())).sum()
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._average.update_parameters(self._net)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / batches
        return sums

    def _build_losses(self, rows: Rows) -> dict[str, Tensor]:
        import torch
        from torch.nn import functional

        columns = torch.from_numpy(rows.columns).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            told = {name: part.float() for name, part in self._net(columns).items()}
        said = torch.from_numpy(rows.said).float()
        shapes, lips = torch.from_numpy(rows.shapes), torch.from_numpy(rows.lips)
        visemes = torch.from_numpy(rows.visemes).long()
        of_shape = ((told["shape"] - shapes) ** 2 * self._weights).mean(dim=1)
        of_viseme = functional.cross_entropy(told["viseme"], visemes, reduction="none")
        of_lips = functional.smooth_l1_loss(told["lips"], lips, reduction="none", beta=0.3).mean(dim=1)
        return {
            "shape": (of_shape * said).mean() * 10,
            "viseme": (of_viseme * said).mean() * _VISEME_SHARE,
            "lips": (of_lips * (1 - said)).mean() * _LIPS_SHARE,
        }

    def _set_rate(self, lesson: float) -> None:
        warm = min(1.0, lesson / self._plan.warm_lessons + 0.01)
        cosine = 0.5 + 0.5 * np.cos(np.pi * min(lesson / self._plan.lessons, 1.0))
        for group in self._optimizer.param_groups:
            group["lr"] = float(self._plan.rate * warm * max(cosine, 1e-3))

    def _note(self, losses: dict[str, float], rows: int, built_s: float, lesson_s: float) -> None:
        entry: dict[str, Any] = {"lesson": self.lesson, "rows": rows, **{k: round(v, 5) for k, v in losses.items()}}
        entry |= {"built_s": round(built_s, 2), "lesson_s": round(lesson_s, 2)}
        with (self._folder / LOG_FILE).open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")
        log.info("%s", entry)

    def _save(self) -> None:
        import torch

        part = self._folder / f"{STATE_FILE}.part"
        state = {
            "lesson": self.lesson,
            "net": self._net.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        torch.save(state, part)
        os.replace(part, self._folder / STATE_FILE)

    def _load(self) -> None:
        import torch

        path = self._folder / STATE_FILE
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            return
        state = torch.load(path, weights_only=True)
        self.lesson = state["lesson"]
        self._net.load_state_dict(state["net"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
