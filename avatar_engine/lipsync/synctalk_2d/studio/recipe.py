"""How the default presenter is made, step by step; every step that is done is not done again."""

from __future__ import annotations

import datetime
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, AvatarInfo, EncoderName
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.studio.film import HEIGHT, WIDTH, Tell, measure_squares, write_film
from avatar_engine.lipsync.synctalk_2d.studio.idle import build_idle
from avatar_engine.lipsync.synctalk_2d.studio.painter import Look, Painter
from avatar_engine.lipsync.synctalk_2d.studio.pairs import Scene, write_pairs, write_references, write_rows
from avatar_engine.lipsync.synctalk_2d.studio.takes import Take, plan_takes, record_voices
from avatar_engine.types import Int32

logger = logging.getLogger(__name__)

NAME = "mira"
SEED = 1
ENCODER: EncoderName = "ave_footlight"


class Recipe:
    """Makes the presenter in a work folder of its own, which may be stopped at any time and gone on with."""

    def __init__(self, work: Path, spec: NetSpec, frames: int | None = None) -> None:
        """`frames`: length of the idle loop; the usual one where None."""
        self.work = work
        self.avatar = AvatarFolder(work / NAME)
        self.pairs_path = work / "pairs"
        self.voices_path = work / "voices"
        self._spec = spec
        self._looks: list[Look] = build_idle(SEED) if frames is None else build_idle(SEED, frames)
        self._painter: Painter | None = None

    @property
    def painter(self) -> Painter:
        """Painted when it is first wanted."""
        if self._painter is None:
            self._painter = Painter(WIDTH, HEIGHT)
        return self._painter

    def film(self, tell: Tell) -> None:
        """The idle loop: `source.mp4` and the squares of its frames."""
        self.avatar.path.mkdir(parents=True, exist_ok=True)
        if not self.avatar.crops_path.exists():
            np.save(self.avatar.crops_path, measure_squares(self.painter, self._looks))
        if not self.avatar.source_path.exists():
            write_film(self.avatar.source_path, self.painter, self._looks, tell)

    def record(self, kokoro: Path) -> None:
        """The voices. `kokoro` is the network's file. Raises `VoiceError`."""
        record_voices(self.voices_path, kokoro)

    def takes(self) -> list[Take]:
        """What the voices said, as takes."""
        return list(plan_takes(self.voices_path, SEED, len(self._looks)))

    def shoot(self, takes: Sequence[Take], tell: Tell) -> None:
        """The pictures of the training set."""
        squares = self._read_squares()
        if not (self.pairs_path / "references.npy").exists():
            write_references(self.pairs_path, read_source(self.avatar.source_path), squares, self._spec)
        if not (self.pairs_path / "targets.npy").exists():
            write_pairs(self.pairs_path, Scene(self.painter, self._looks, squares, self._spec), takes, tell)

    def listen(self, takes: Sequence[Take]) -> None:
        """The rows of the training set."""
        if not (self.pairs_path / "rows.npy").exists():
            write_rows(self.pairs_path, takes, ENCODER)

    def finish(self, spec: NetSpec) -> None:
        """Write `avatar.json`: the folder is an avatar from then on."""
        digest = hashlib.sha256(self.avatar.source_path.read_bytes()).hexdigest()
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        frames = len(self._looks)
        self.avatar.write_info(AvatarInfo(NAME, WIDTH, HEIGHT, frames, ENCODER, spec.to_json(), now, digest))

    def _read_squares(self) -> Int32:
        squares: Int32 = np.load(self.avatar.crops_path)
        return squares
