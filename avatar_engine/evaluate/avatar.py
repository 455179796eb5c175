"""All figures of one avatar, in one function to read from top to bottom."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from avatar_engine.errors import CheckpointError, WeightsError
from avatar_engine.evaluate.files import EvaluationFiles
from avatar_engine.evaluate.gate import TRUTH_MARKS, TRUTH_NONE, TRUTH_VIDEO
from avatar_engine.evaluate.held_out import build_held_out_takes, read_held_out
from avatar_engine.evaluate.judge import Judge
from avatar_engine.evaluate.lips import LipReader
from avatar_engine.evaluate.lpips import Lpips
from avatar_engine.evaluate.network_hash import hash_network
from avatar_engine.evaluate.on_air import PlayedTake, Stand, judge_takes
from avatar_engine.evaluate.pictures import PictureFigures, Redrawer, Redrawn, measure_pictures
from avatar_engine.evaluate.result import Evaluation
from avatar_engine.evaluate.sheet import build_sheet
from avatar_engine.evaluate.takes import Take
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.registry import load_engine_class
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, AvatarInfo
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import UInt8

LONGEST_ROOM_PX = 960
"""Takes are played in a room of the source's shape with sides of at most this."""
SHOWN = 8

Report = Callable[[str], None]
Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """How much is looked at. pictures: held-out frames that are redrawn. seconds: held-out speech played on air.

    threads: processor threads of the networks that measure; torch keeps them for the whole process.
    speak: makes takes with marks, called only for an avatar whose own video says nothing.
    """

    device: str = "cpu"
    threads: int = 1
    pictures: int = 60
    seconds: float = 40.0
    speak: Callable[[], Sequence[Take]] = tuple


@dataclass(slots=True)
class _Notes:
    """What is found on the way."""

    figures: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[str, list[UInt8]]] = field(default_factory=list)


def evaluate_avatar(
    avatar: AvatarFolder, weights: Path, files: EvaluationFiles, plan: EvaluationPlan, report: Report
) -> tuple[Evaluation, UInt8]:
    """Measure an avatar; returns its figures and a sheet of pictures, uint8[h, w, 3] RGB.

    weights: the weights folder, for the audio encoder. What cannot be measured is left out with its reason; an avatar
    that cannot be drawn at all raises the `FootlightError` of whatever failed.
    """
    import torch

    torch.set_num_threads(plan.threads)
    info = avatar.read_info()
    notes = _Notes()
    lips = _load_or_note(lambda: LipReader(files), notes, "lips")
    speaks = avatar.audio_path.is_file() and avatar.features_path(info.encoder).is_file()
    if speaks:
        report("drawing held-out frames")
        _measure_pictures(avatar, info, files, lips, plan, notes)
    else:
        notes.absent["crop_psnr_db"] = "its video holds no speech"
    takes = build_held_out_takes(avatar, plan.seconds) if speaks else list(plan.speak())
    truth = TRUTH_VIDEO if speaks else TRUTH_MARKS if takes else TRUTH_NONE
    report(f"playing {len(takes)} takes through the engine")
    _measure_on_air(avatar, info, weights, files, lips, takes, plan, notes)
    found = Evaluation(
        avatar=info.name,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        network_sha256=hash_network(avatar.path),
        truth=truth,
        frames=notes.figures.pop("frames", 0),
        load=os.getloadavg()[0],
        absent=notes.absent,
        **notes.figures,
    )
    return found, build_sheet(f"{info.name}  {found.made_at}", notes.rows)


def _load_or_note(load: Callable[[], Loaded], notes: _Notes, name: str) -> Loaded | None:
    try:
        return load()
    except WeightsError as error:
        notes.absent[name] = str(error)
        return None


def _measure_pictures(
    avatar: AvatarFolder,
    info: AvatarInfo,
    files: EvaluationFiles,
    lips: LipReader | None,
    plan: EvaluationPlan,
    notes: _Notes,
) -> None:
    lpips = None
    if files.lpips is not None:
        path = files.lpips
        lpips = _load_or_note(lambda: Lpips(path), notes, "crop_lpips")
    else:
        notes.absent["crop_lpips"] = "its weights are not here"
    try:
        spec = NetSpec.from_json(info.net)
        redrawer = Redrawer(avatar.unet_path, spec)
    except (CheckpointError, ValueError) as error:
        notes.absent["crop_psnr_db"] = str(error)
        return
    shown: list[Redrawn] = []

    def redraw_all() -> Iterator[Redrawn]:
        for number, frame in enumerate(read_held_out(avatar, plan.pictures)):
            redrawn = redrawer.redraw(frame)
            if number % max(1, plan.pictures // SHOWN) == 0:
                shown.append(redrawn)
            yield redrawn

    notes.figures |= _take_known(measure_pictures(redraw_all(), spec, lips, lpips))
    _show_pictures(shown, notes)


def _take_known(figures: PictureFigures) -> dict[str, float]:
    wanted = {item.name for item in dataclasses.fields(Evaluation)}
    known = {item.name: getattr(figures, item.name) for item in dataclasses.fields(figures)}
    return {name: value for name, value in known.items() if name in wanted and np.isfinite(value)}


def _show_pictures(shown: list[Redrawn], notes: _Notes) -> None:
    notes.rows.append(("reference", [item.reference_inner for item in shown]))
    notes.rows.append(("drawn", [item.inner for item in shown]))
    notes.rows.append(("true", [item.true_inner for item in shown]))
    notes.rows.append(("pasted\n(no network)", [item.pasted_inner for item in shown]))
    notes.rows.append(("drawn frame", [item.frame for item in shown]))


def _measure_on_air(
    avatar: AvatarFolder,
    info: AvatarInfo,
    weights: Path,
    files: EvaluationFiles,
    lips: LipReader | None,
    takes: Sequence[Take],
    plan: EvaluationPlan,
    notes: _Notes,
) -> None:
    if lips is None or not takes:
        notes.absent["opening_correlation"] = notes.absent.get("lips", "there is no speech to play")
        return
    engine = load_engine_class(info.family).load(avatar.path, plan.device)
    stand = Stand(engine, load_extractor(engine.capabilities.features, weights), choose_room(info), lips)
    played = [stand.play(take, first_pose=number * 40) for number, take in enumerate(takes)]
    figures = judge_takes(played, stand, _load_judges(files, notes))
    notes.figures["fps"] = figures.fps
    notes.figures.setdefault("frames", sum(take.opening.size for take in takes))
    notes.figures["judges"] = {
        name: {"score": v.score, "best": v.best, "lag_ms": v.lag_ms, "confidence": v.confidence}
        for name, v in figures.judges.items()
    }
    if figures.match is None:
        notes.absent["opening_correlation"] = "no mouth was seen to move"
    else:
        notes.figures["opening_correlation"] = figures.match.correlation
        notes.figures["opening_lag_ms"] = figures.match.lag_ms
    _show_takes(played, notes)


def _load_judges(files: EvaluationFiles, notes: _Notes) -> list[Judge]:
    judges = []
    for name, path in (("light_asd", files.light_asd), ("lr_asd", files.lr_asd)):
        if path is None:
            notes.absent[name] = "its weights are not here"
            continue
        where = path
        judge = _load_or_note(lambda name=name, where=where: Judge(name, where), notes, name)  # type: ignore[misc]
        if judge is not None:
            judges.append(judge)
    return judges


def _show_takes(played: Sequence[PlayedTake], notes: _Notes) -> None:
    notes.rows += [(f"on air\n{item.take.name}", item.pictures[:SHOWN]) for item in played[:3]]


def choose_room(info: AvatarInfo) -> tuple[int, int]:
    """Width and height of a room of the source's shape, even, in the limits that engines have."""
    ratio = min(1.0, LONGEST_ROOM_PX / max(info.width, info.height))
    width, height = (max(128, round(side * ratio / 2) * 2) for side in (info.width, info.height))
    return width, height
