"""The file of a backup: a gzipped tar whose last member, the manifest, names every other one with its hash."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

FORMAT = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 20


class BackupError(Exception):
    """A backup that cannot be made, or a file that cannot be restored. The text is for the operator."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the backup."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup. `database`: "sqlite" or "postgresql"; `migrations`: app label -> names applied."""

    made_at: str
    database: str
    migrations: dict[str, list[str]]
    has_secrets: bool
    files: dict[str, Member] = field(default_factory=dict)
    format: int = FORMAT


class ArchiveWriter:
    """Adds files, hashed on their way."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._files: dict[str, Member] = {}

    def add(self, path: Path, name: str) -> None:
        """Add the file at `path` as `name`, as long as it is now."""
        with path.open("rb") as file:
            info = tarfile.TarInfo(name)
            info.size, info.mode = os.fstat(file.fileno()).st_size, 0o600
            hashed = _HashedFile(file)
            self._tar.addfile(info, cast(IO[bytes], hashed))
        self._files[name] = Member(info.size, hashed.sha256)

    def add_folder(self, folder: Path, name: str) -> None:
        """Add every regular file below `folder`; links are left out."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                self.add(path, f"{name}/{path.relative_to(folder).as_posix()}")

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest. Without it a backup counts as broken off."""
        manifest.files.update(self._files)
        text = json.dumps(asdict(manifest), indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(text), 0o600
        self._tar.addfile(info, io.BytesIO(text))


@contextmanager
def write_archive(target: Path) -> Iterator[ArchiveWriter]:
    """A writer of `target`, which appears whole or not at all, readable by its owner alone."""
    draft = target.with_name(f".{target.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=5) as tar:
                yield ArchiveWriter(tar)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def extract_archive(source: Path, folder: Path) -> Manifest:
    """Unpack `source` into the empty `folder`, and check every byte. Raises `BackupError` for whatever is not right."""
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(source, mode="r|gz") as tar:
            for info in tar:
                if manifest is not None:
                    raise BackupError(f"{source} goes on after its manifest")
                if info.name == MANIFEST:
                    manifest = _read_manifest(tar, info)
                else:
                    found[info.name] = _extract(tar, info, folder)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source} cannot be read: {error}") from error
    if manifest is None:
        raise BackupError(f"{source} has no manifest: it was broken off")
    if found != manifest.files:
        wrong = sorted(
            name for name in found.keys() | manifest.files.keys() if found.get(name) != manifest.files.get(name)
        )
        raise BackupError(f"{source} is damaged: {', '.join(wrong[:5])}")
    return manifest


def _read_manifest(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Manifest:
    content = tar.extractfile(info)
    if content is None or info.size > MAX_MANIFEST_BYTES:
        raise BackupError("the manifest is no file")
    fields: dict[str, Any] = json.loads(content.read())
    if fields["format"] != FORMAT:
        raise BackupError(f"the backup has format {fields['format']}, this Footlight reads {FORMAT}")
    files = {name: Member(**member) for name, member in fields.pop("files").items()}
    return Manifest(**fields, files=files)


def _extract(tar: tarfile.TarFile, info: tarfile.TarInfo, folder: Path) -> Member:
    place = PurePosixPath(info.name)
    content = tar.extractfile(info) if info.isreg() else None
    if content is None or place.is_absolute() or ".." in place.parts:
        raise BackupError(f"{info.name!r} has no place in a backup")
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while block := content.read(_BLOCK_BYTES):
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return Member(info.size, digest.hexdigest())


class _HashedFile:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()
