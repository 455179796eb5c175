"""The weights of Kokoro for tests: those of the repository's data folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avatar_engine.weights import KOKORO, is_whole
from mysite.env import REPOSITORY


def find_kokoro_weights() -> Path:
    """The weights folder; skips where the file is not here and may not be fetched."""
    folder = REPOSITORY / "data" / "weights"
    if not is_whole(KOKORO, folder) and os.environ.get("FOOTLIGHT_TEST_FETCH") == "1":
        command = [sys.executable, "manage.py", "weights", KOKORO.name]
        environ = {**os.environ, "DATA": str(REPOSITORY / "data"), "DJANGO_SETTINGS_MODULE": "mysite.settings.base"}
        subprocess.run(command, cwd=REPOSITORY, env=environ, check=True)
    if not is_whole(KOKORO, folder):
        pytest.skip(f"the voice's file is not here: manage.py weights {KOKORO.name} fetches it")
    return folder
