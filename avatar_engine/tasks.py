"""What the worker does for the avatar engine."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from django.conf import settings

from avatar_engine.errors import WeightsError
from avatar_engine.weights import find_weight
from avatar_engine.weights.fetch import fetch_weight
from avatar_engine.weights.progress import ProgressFile
from mysite.celery import app

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
