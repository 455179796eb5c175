"""What the worker does for the avatar engine."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from avatar_engine.errors import WeightsError
from avatar_engine.weights import find_weight
from avatar_engine.weights.fetch import fetch_weight
from avatar_engine.weights.progress import ProgressFile
from mysite.celery import app
from mysite.env import REPOSITORY

logger = logging.getLogger(__name__)


@app.task  # type: ignore[untyped-decorator]  # celery has no types
def fetch_weights(name: str) -> None:
    """Fetch the weight file `name` as `manage.py weights` does; does nothing where it is here.

    A failure stands in the file's progress, where the console reads it. Raises `WeightsError` for an unknown name.
    """
    weight = find_weight(name)
    folder: Path = settings.FOOTLIGHT.data_dir / "weights"
    try:
        fetch_weight(weight, folder, ProgressFile(folder))
    except WeightsError as error:
        logger.warning("asked for in the console, and failed: %s", error)


@app.task  # type: ignore[untyped-decorator]
def try_voice(trial_id: str) -> None:
    """Have a voice say what an operator asked for in the console; what comes of it stands in the trial's file."""
    from avatar_engine.voice.trial import run_trial
    from avatar_engine.voice.trial_folder import TrialFolder

    env = settings.FOOTLIGHT
    asyncio.run(run_trial(TrialFolder(env.data_dir), trial_id, env))


@app.task  # type: ignore[untyped-decorator]
def prepare_avatars() -> None:
    """Start a process for the preparations that are due, unless one is at work on this machine already.

    A process of its own, since it takes minutes, and since a broken video may take its decoder down.
    """
    from avatar_engine import selectors

    if selectors.list_due_preparations(timezone.now()).exists() and not selectors.is_preparing(timezone.now()):
        command = [sys.executable, str(REPOSITORY / "manage.py"), "prepare_avatar", "--due"]
        subprocess.Popen(command, env=settings.FOOTLIGHT.build_child_environ("prepare"), cwd=REPOSITORY)


@app.task  # type: ignore[untyped-decorator]
def train_avatars() -> None:
    """Start a process for every training that is wanted and does not run: one asked for, or one that broke off.

    A process of its own, since it takes hours, and ends with the worker, since nothing may outlive the program.
    """
    from avatar_engine import training_desk

    env = settings.FOOTLIGHT
    for avatar in training_desk.list_wishes(env.data_dir / "avatars"):
        if not training_desk.count_start(avatar):
            logger.warning("the training of %s was started in vain too often and is given up", avatar.name)
            continue
        command = [sys.executable, str(REPOSITORY / "manage.py"), "train_avatar", avatar.name, "--wished"]
        parent = ["--parent", str(os.getpid())]
        environ = env.build_child_environ("train", DATA=str(env.data_dir))
        subprocess.Popen([*command, *parent], env=environ, cwd=REPOSITORY)
