"""Secrets that Footlight makes for itself and keeps in the data folder."""

import os
import secrets
from pathlib import Path

_SECRET_BYTES = 48


def load_or_create_secret(path: Path) -> str:
    """The text in `path`; a fresh random one is written there first where there is none.

    The file has mode 600 from its first byte. Of several processes that start at once one writes, and all get the
    same text: the file appears whole or not at all.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
    finally:
        draft.unlink()
    return _read(path)


def _read(path: Path) -> str:
    text = path.read_text(encoding="ascii").strip()
    if not text:
        raise ValueError(f"{path} is empty: delete it and start again")
    return text
