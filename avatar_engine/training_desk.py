"""Where trainings are asked for, stopped and looked at: files in the avatar's folder, which any process may read."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, check_avatar_name
from avatar_engine.lipsync.synctalk_2d.training.atomic import write_whole
from avatar_engine.lipsync.synctalk_2d.training.journal import STOP_FILE, is_training, read_log, read_state
from avatar_engine.lipsync.synctalk_2d.training.options import NETS
from avatar_engine.lipsync.synctalk_2d.training.run import read_options

NET_NAMES = tuple(NETS)
WISH_FILE = "asked.json"
LATE_S = 90.0
"""The worker looks for wishes once a minute at least; after this time something is in its way."""
MOST_STARTS = 3
"""Starts without a step between them after which a training is given up."""
CURVE_POINTS = 240
_SAMPLE = re.compile(r"step_(\d{8})\.jpg")

TrainingView = Literal[
    "none",
    "asked",
    "late",
    "preparing",
    "syncnet",
    "unet",
    "exporting",
    "stopping",
    "paused",
    "stopped",
    "done",
    "failed",
    "broken_off",
]
_RUNNING = ("preparing", "syncnet", "unet", "exporting")
_ENDED = ("paused", "stopped", "done", "failed")


@dataclass(frozen=True, slots=True)
class TrainingStatus:
    """One training as a person sees it.

    step, steps:   of the network that is learning now.
    seconds_left:  at the present speed, without the early end that most trainings come to; None where unknown.
    best, best_step: the best look at held-out pictures so far, dB (or a share, for the sync network).
    """

    view: TrainingView
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    seconds_per_step: float = 0.0
    best: float = 0.0
    best_step: int = 0
    batch: int = 0
    error: str = ""

    @property
    def may_start(self) -> bool:
        return self.view in ("none", "late", "paused", "stopped", "failed", "broken_off")

    @property
    def may_stop(self) -> bool:
        return self.view in ("asked", "late", *_RUNNING)

    @property
    def is_running(self) -> bool:
        return self.view in _RUNNING or self.view == "stopping"


def ask_training(avatar: Path, net: str) -> None:
    """Note that somebody wants `net` ("328", "160" or "narrow") trained for the avatar in this folder."""
    if net not in NETS:
        raise ValueError(f"no net {net!r}")
    folder = AvatarFolder(avatar).train_path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STOP_FILE).unlink(missing_ok=True)
    _write_wish(avatar, {"net": net, "starts": 0, "step": -1})


def stop_training(avatar: Path) -> None:
    """End a training after its present step, and forget the wish; what was learnt stays."""
    folder = AvatarFolder(avatar).train_path
    drop_wish(avatar)
    if is_training(folder):
        (folder / STOP_FILE).touch()


def drop_wish(avatar: Path) -> None:
    (AvatarFolder(avatar).train_path / WISH_FILE).unlink(missing_ok=True)


def read_wish(avatar: Path) -> dict[str, Any]:
    """The options that were wished for, for `train_avatar`; empty where nobody asked."""
    wish = _read_wish(avatar)
    return {"net": wish["net"]} if wish and wish.get("net") in NETS else {}


def is_wished(avatar: Path) -> bool:
    """Whether somebody asked for a training of this avatar and has not taken that back."""
    return _read_wish(avatar) is not None


def list_wishes(avatars: Path) -> Iterator[Path]:
    """Folders of avatars whose training is wanted and does not run now. `avatars` is the folder of all avatars."""
    for path in sorted(avatars.glob(f"*/train/{WISH_FILE}")):
        if not is_training(path.parent):
            yield path.parent.parent


def count_start(avatar: Path) -> bool:
    """Note that a process is started for the wish. False where that was in vain too often: the wish is dropped."""
    wish = _read_wish(avatar)
    if wish is None:
        return False
    state = read_state(AvatarFolder(avatar).train_path) or {}
    place = f"{state.get('state')} {state.get('step')}"
    starts = int(wish.get("starts", 0)) + 1 if wish.get("place") == place else 1
    if starts > MOST_STARTS:
        drop_wish(avatar)
        return False
    _write_wish(avatar, {**wish, "starts": starts, "place": place})
    return True


def read_status(avatar: Path, clock: Callable[[], float] = time.time) -> TrainingStatus:
    """What is known of the training in this avatar's folder. `clock` gives seconds since 1970."""
    folder = AvatarFolder(avatar).train_path
    state = read_state(folder)
    view = _find_view(folder, state, clock)
    if state is None:
        return TrainingStatus(view)
    numbers = _read_numbers(state)
    left = (numbers["steps"] - numbers["step"]) * numbers["seconds_per_step"]
    learning = view in ("syncnet", "unet") and left > 0
    return TrainingStatus(
        view,
        step=int(numbers["step"]),
        steps=int(numbers["steps"]),
        seconds_left=left if learning else None,
        seconds_per_step=numbers["seconds_per_step"],
        best=numbers["best"],
        best_step=int(numbers["best_step"]),
        batch=int(numbers["batch"]),
        error=str(state.get("error", "")) if view == "failed" else "",
    )


def read_curves(avatar: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Points (step, value) of every number in the log by network and name, at most `CURVE_POINTS` of each."""
    curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for line in read_log(AvatarFolder(avatar).train_path):
        curve = curves.setdefault(line["phase"], {})
        for name, value in line.items():
            if name not in ("phase", "step") and isinstance(value, int | float):
                curve.setdefault(name, []).append((line["step"], float(value)))
    return {phase: {name: _thin(points) for name, points in curve.items()} for phase, curve in curves.items()}


def list_samples(avatar: Path) -> list[int]:
    """The steps that there is a sheet of pictures of, oldest first."""
    folder = AvatarFolder(avatar).train_path / "samples"
    found = [_SAMPLE.fullmatch(path.name) for path in folder.glob("step_*.jpg")]
    return sorted(int(match[1]) for match in found if match)


def sample_path(avatar: Path, step: int) -> Path:
    return AvatarFolder(avatar).train_path / "samples" / f"step_{step:08d}.jpg"


def read_net(avatar: Path) -> str | None:
    """The name of the net whose training was begun, or None where none was, or one that has no name."""
    try:
        begun = read_options(AvatarFolder(avatar).train_path)
    except TrainingError:
        return None
    return next((name for name, net in NETS.items() if begun and net == begun.net), None)


def has_sound(avatar: Path) -> bool:
    """Whether there is a voice to learn from."""
    return AvatarFolder(avatar).audio_path.is_file()


def find_avatar(avatars: Path, name: str) -> Path | None:
    """The folder of a prepared avatar, or None. Raises `AvatarFolderError` for what can be no name."""
    folder = AvatarFolder(avatars / check_avatar_name(name))
    return folder.path if folder.is_complete else None


def _find_view(folder: Path, state: Mapping[str, Any] | None, clock: Callable[[], float]) -> TrainingView:
    if is_training(folder):
        if (folder / STOP_FILE).exists():
            return "stopping"
        running = str(state["state"]) if state else ""
        return cast("TrainingView", running) if running in _RUNNING else "preparing"
    wished_s = _changed_at(folder / WISH_FILE)
    if wished_s:
        return "late" if clock() - wished_s >= LATE_S else "asked"
    if state is None:
        return "none"
    ended = str(state["state"])
    return cast("TrainingView", ended) if ended in _ENDED else "broken_off"


def _read_numbers(state: Mapping[str, Any]) -> dict[str, float]:
    names = ("step", "steps", "seconds_per_step", "best", "best_step", "batch")
    values = {name: state.get(name, 0) for name in names}
    return {name: float(value) if isinstance(value, int | float) else 0.0 for name, value in values.items()}


def _thin(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Means of equal runs of points, each at the step of its last."""
    run = -(-len(points) // CURVE_POINTS)
    if run <= 1:
        return points
    parts = [points[start : start + run] for start in range(0, len(points), run)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _read_wish(avatar: Path) -> dict[str, Any] | None:
    try:
        body = json.loads((AvatarFolder(avatar).train_path / WISH_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return body if isinstance(body, dict) else None


def _write_wish(avatar: Path, body: Mapping[str, Any]) -> None:
    write_whole(AvatarFolder(avatar).train_path / WISH_FILE, json.dumps(body).encode())


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
