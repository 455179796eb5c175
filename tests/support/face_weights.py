"""The files of the face networks for tests, in the layout of the weights folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatar_engine.weights import FACE_DETECTOR, FACE_LANDMARKS, is_whole

FACE_WEIGHTS = (FACE_DETECTOR, FACE_LANDMARKS)


def find_face_weights(shared: Path) -> Path:
    """A folder with both files; skips where they are not here."""
    folder = shared / "data" / "face_models"
    if not all(is_whole(weight, folder) for weight in FACE_WEIGHTS):
        pytest.skip("the files of the face networks are not in FOOTLIGHT_SHARED")
    return folder


def link_face_weights(shared: Path, folder: Path) -> None:
    """Put both files into the weights folder `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for weight in FACE_WEIGHTS:
        (folder / weight.file).symlink_to(find_face_weights(shared) / weight.file)
