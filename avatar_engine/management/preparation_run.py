"""Does what a claimed row asks for, in this process."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from django.utils import timezone

from avatar_engine import services
from avatar_engine.errors import FootlightError, PreparationError
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, EncoderName
from avatar_engine.models import Preparation
from avatar_engine.prepare.avatar import Order, Progress, Tell, prepare_avatar
from avatar_engine.prepare.quality import Report
from avatar_engine.prepare.reasons import SourceRefused
from avatar_engine.prepare.work import is_held
from avatar_engine.weights import FACE_DETECTOR, FACE_LANDMARKS, is_whole
from avatar_engine.weights.fetch import fetch_weight
from avatar_engine.weights.progress import ProgressFile

log = logging.getLogger(__name__)

SAY_EVERY_S = 2.0
MOST_ATTEMPTS = 3
"""A source that killed its worker so often is given up."""


def run_preparation(preparation: Preparation, data_dir: Path, tell: Tell) -> Report:
    """Prepare a claimed row, and write into it how far it is and how it ended.

    Raises what `prepare_avatar` raises, after the row says it too.
    """
    try:
        if preparation.attempts > MOST_ATTEMPTS:
            raise PreparationError(f"its worker died {MOST_ATTEMPTS} times over this file")
        _fetch_face_networks(data_dir / "weights")
        report = prepare_avatar(_build_order(preparation, data_dir), RowProgress(preparation, tell), timezone.now)
    except SourceRefused as refusal:
        found = refusal.report or {"figures": {}, "reasons": [reason.to_json() for reason in refusal.reasons]}
        services.end_preparation(preparation, Preparation.State.REFUSED, report=found, error=str(refusal))
        raise
    except FootlightError as error:
        services.end_preparation(preparation, Preparation.State.FAILED, error=str(error))
        raise
    except Exception:
        log.exception("preparing %s broke", preparation.avatar.name)
        services.end_preparation(preparation, Preparation.State.FAILED, error="a defect; the log has it")
        raise
    services.end_preparation(preparation, Preparation.State.DONE, report=report.to_json())
    services.bind_consent(preparation.avatar, _avatar_folder(preparation, data_dir).read_info().source_sha256)
    return report


def name_worker() -> str:
    """This process, as a lease names it."""
    return f"{socket.gethostname()}:{os.getpid()}"[:80]


def is_abandoned(preparation: Preparation, data_dir: Path) -> bool:
    """Whether the process of this machine that has the lease has died: then nobody holds the folder any more."""
    if preparation.lease_owner.partition(":")[0] != name_worker().partition(":")[0]:
        return False
    return not is_held(_avatar_folder(preparation, data_dir))


class RowProgress:
    """Passes progress on, and writes it into the row at each step and every `SAY_EVERY_S` seconds."""

    def __init__(self, preparation: Preparation, tell: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._preparation = preparation
        self._tell = tell
        self._clock = clock
        self._said_s = float("-inf")
        self._step = ""

    def __call__(self, progress: Progress) -> None:
        self._tell(progress)
        now_s = self._clock()
        if progress.step == self._step and now_s - self._said_s < SAY_EVERY_S:
            return
        self._said_s, self._step = now_s, progress.step
        services.note_progress(self._preparation, progress.step, progress.percent)


def _avatar_folder(preparation: Preparation, data_dir: Path) -> AvatarFolder:
    return AvatarFolder(data_dir / "avatars" / preparation.avatar.name)


def _build_order(preparation: Preparation, data_dir: Path) -> Order:
    return Order(
        source=Path(preparation.source_path),
        name=preparation.avatar.name,
        avatars=data_dir / "avatars",
        weights=data_dir / "weights",
        encoder=cast("EncoderName", preparation.encoder),
        silent_ok=preparation.silent_ok,
    )


def _fetch_face_networks(folder: Path) -> None:
    for weight in (FACE_DETECTOR, FACE_LANDMARKS):
        if not is_whole(weight, folder):
            log.info("fetching %s, %.1f MB, %s", weight.name, weight.bytes / 1e6, weight.licence)
            fetch_weight(weight, folder, ProgressFile(folder))
