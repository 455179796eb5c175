"""How far a network has come, kept so that any death costs minutes at most."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.training.atomic import replace_whole

_FORMAT = 1


@dataclass(slots=True)
class Progress:
    """steps:    steps done. samples: samples taken for them. batch: samples of a step now.
    best:        the best goal so far and best_step where; unchanged_looks: looks at held-out pictures since then.
    sums, summed: losses added up since the last line of the log, and over how many steps.
    seconds:     time spent in steps, all runs together.
    finished:    nothing is left to do.
    """

    batch: int
    steps: int = 0
    samples: int = 0
    best: float | None = None
    best_step: int = 0
    unchanged_looks: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    summed: int = 0
    seconds: float = 0.0
    finished: bool = False


def save_progress(path: Path, progress: Progress, state: dict[str, Any]) -> None:
    """Write a checkpoint. Raises `TrainingError` on a full disk; the one before stays."""
    import torch

    body = {"format": _FORMAT, "progress": dataclasses.asdict(progress), "state": state}
    replace_whole(path, lambda draft: torch.save(body, draft))


def load_progress(path: Path, device: str) -> tuple[Progress, dict[str, Any]] | None:
    """What `save_progress` wrote, or None where there is nothing. Raises `TrainingError` for a file that is not it."""
    import torch

    if not path.exists():
        return None
    try:
        body = torch.load(path, map_location=device, weights_only=True)
        if body["format"] != _FORMAT:
            raise ValueError(f"format {body['format']}")
        return Progress(**body["progress"]), body["state"]
    except Exception as error:
        raise TrainingError(f"the checkpoint {path.name} cannot be read ({error}); begin anew with --fresh") from error
