"""Steps, looks at held-out samples, checkpoints: the same for every network."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.training.journal import Journal
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions
from avatar_engine.lipsync.synctalk_2d.training.phase import Phase
from avatar_engine.lipsync.synctalk_2d.training.progress import Progress, load_progress, save_progress

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

Outcome = Literal["finished", "paused", "stopped"]
_GAIN = 1e-4


class Loop:
    """Drives one phase until it has done its steps, gets no better, or the run ends.

    device: "cpu" or "cuda". clock: seconds, for the time between checkpoints and the log.
    """

    def __init__(
        self,
        phase: Phase,
        options: TrainingOptions,
        journal: Journal,
        limits: Limits,
        device: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._phase, self._options, self._journal, self._limits = phase, options, journal, limits
        self._device, self._clock = device, clock
        self._progress = Progress(phase.batch)
        self._waiting: list[dict[str, Tensor]] = []
        self._saved_s = clock()

    def run(self) -> Outcome:
        """Go on from the last checkpoint. Raises `TrainingError`: no number, no memory, no disk."""
        self._resume()
        while not self._progress.finished:
            ending = self._limits.find_ending()
            if ending:
                self._save()
                return ending
            self._step()
            self._look_around()
        return "finished"

    def _resume(self) -> None:
        found = load_progress(self._path, self._device)
        if found:
            self._progress, state = found
            self._phase.batch = self._progress.batch
            self._phase.load(state)
        self._journal.forget_after(self._phase.name, self._progress.steps)
        self._say()

    def _step(self) -> None:
        progress = self._progress
        begun_s = self._clock()
        while True:
            try:
                losses = self._phase.step(progress.steps, progress.samples, progress.batch)
                break
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                short = str(error).splitlines()[0][:200]
            self._shrink(short)  # outside the handler, which keeps the tensors of the failed step alive
        self._waiting.append(losses)
        progress.samples += progress.batch
        progress.steps += 1
        progress.seconds += self._clock() - begun_s
        self._limits.count_step()

    def _shrink(self, reason: str) -> None:
        progress = self._progress
        if progress.batch <= 1:
            raise TrainingError(f"the memory does not even suffice for one picture a step: {reason}")
        progress.batch //= 2
        self._phase.batch = progress.batch
        logger.warning("out of memory (%s); going on with %d pictures a step", reason, progress.batch)
        if self._device != "cpu":
            import torch

            torch.cuda.empty_cache()

    def _look_around(self) -> None:
        progress, options = self._progress, self._options
        last = progress.steps >= self._phase.steps
        if progress.steps % options.log_every == 0 or last:
            self._write_line()
        if progress.steps % options.validate_every == 0 or last:
            self._validate()
        progress.finished = last or progress.unchanged_looks >= options.patience
        late = self._clock() - self._saved_s >= options.checkpoint_every_s
        if progress.finished or late or progress.steps % options.checkpoint_every == 0:
            self._save()

    def _collect(self) -> None:
        """Read the losses off the device. Raises `TrainingError` where one is no number."""
        progress = self._progress
        for losses in self._waiting:
            for name, value in losses.items():
                progress.sums[name] = progress.sums.get(name, 0.0) + float(value)
        progress.summed += len(self._waiting)
        self._waiting = []
        wrong = [name for name, value in progress.sums.items() if not math.isfinite(value)]
        if wrong:
            raise TrainingError(
                f"the loss ({', '.join(wrong)}) is no longer a number near step {progress.steps}. The checkpoint from "
                f"before is kept; begin anew with a smaller learning rate, or look for broken frames in the source"
            )

    def _write_line(self) -> None:
        self._collect()
        progress = self._progress
        numbers = {name: value / progress.summed for name, value in progress.sums.items()}
        numbers |= {"batch": progress.batch, "seconds_per_step": progress.seconds / progress.steps}
        self._journal.log(self._phase.name, progress.steps, numbers)
        progress.sums, progress.summed = {}, 0
        self._say()

    def _validate(self) -> None:
        self._collect()
        progress, phase = self._progress, self._phase
        found = phase.validate()
        goal = found[phase.goal]
        if not math.isfinite(goal):
            raise TrainingError(f"what the network draws is no longer a picture near step {progress.steps}")
        self._journal.log(phase.name, progress.steps, found)
        if progress.best is None or goal > progress.best + _GAIN:
            progress.best, progress.best_step, progress.unchanged_looks = goal, progress.steps, 0
            phase.save_best(self._journal.folder, {"step": float(progress.steps), **found})
        else:
            progress.unchanged_looks += 1

    def _save(self) -> None:
        self._collect()
        save_progress(self._path, self._progress, self._phase.state())
        self._saved_s = self._clock()
        self._say()

    def _say(self) -> None:
        progress = self._progress
        per_step = progress.seconds / progress.steps if progress.steps else 0.0
        self._journal.say(
            self._phase.name,
            step=progress.steps,
            steps=self._phase.steps,
            batch=progress.batch,
            seconds_per_step=round(per_step, 4),
            best=progress.best or 0.0,
            best_step=progress.best_step,
        )

    @property
    def _path(self) -> Path:
        return self._journal.folder / f"{self._phase.name}.checkpoint"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a step failed for want of memory, on a GPU or not."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return "DefaultCPUAllocator: can't allocate memory" in text or "not enough memory: you tried to allocate" in text
