"""Which networks an avatar folder holds, as one number: figures belong to the networks that they were taken of."""

from __future__ import annotations

import hashlib
from pathlib import Path

WEIGHTS_FILE = "unet.safetensors"
EXPORTED_FILES = ("unet_reference.onnx", "unet_voice.onnx")


def hash_network(folder: Path) -> str:
    """SHA-256 of the weights; of the exported pair where the folder holds no weights; "" where it holds neither.

    Exports are made from the weights and do not change the number.
    """
    names = [WEIGHTS_FILE] if (folder / WEIGHTS_FILE).is_file() else list(EXPORTED_FILES)
    paths = [folder / name for name in names]
    if not all(path.is_file() for path in paths):
        return ""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
