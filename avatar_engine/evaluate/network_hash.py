"""Which networks an avatar folder holds, as one number: figures belong to the networks that they were taken of."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

WEIGHTS_FILE = "unet.safetensors"
EXPORT_FILE = "export.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def hash_network(folder: Path) -> str:
    """SHA-256 of the trained weights; where only what was exported from them is here, the one that the export names.

    "" where the folder holds neither. Whether exported files are what they say is for the engine that loads them.
    """
    try:
        with (folder / WEIGHTS_FILE).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        pass
    try:
        named = json.loads((folder / EXPORT_FILE).read_text(encoding="utf-8"))["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return named if isinstance(named, str) and _SHA256.fullmatch(named) else ""
