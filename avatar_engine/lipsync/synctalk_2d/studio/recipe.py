"""How the default presenter is made, step by step; every step that is done is not done again."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avatar_engine.errors import TrainingError
from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker
from avatar_engine.face.tracker import FaceTracker
from avatar_engine.features.ave_footlight import NETWORK
from avatar_engine.lipsync.synctalk_2d.cpu_generator import export_avatar
from avatar_engine.lipsync.synctalk_2d.export import FLOAT_FILES, INT8_FILES, REPORT, hash_file, read_report
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, AvatarInfo, EncoderName
from avatar_engine.lipsync.synctalk_2d.loop_pictures import LoopPictures
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.studio.film import HEIGHT, WIDTH, Tell, measure_squares, write_film
from avatar_engine.lipsync.synctalk_2d.studio.idle import build_idle
from avatar_engine.lipsync.synctalk_2d.studio.painter import Look, Painter
from avatar_engine.lipsync.synctalk_2d.studio.pairs import Scene, write_pairs, write_references, write_rows
from avatar_engine.lipsync.synctalk_2d.studio.takes import Take, plan_takes, record_voices
from avatar_engine.lipsync.synctalk_2d.training.journal import Journal, hold_training
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.loop import Outcome
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions, choose_options
from avatar_engine.lipsync.synctalk_2d.training.run import keep_options, train_networks
from avatar_engine.lipsync.synctalk_2d.training.studio_set import StudioSet
from avatar_engine.lipsync.synctalk_2d.training.unet_phase import UNET_FILE
from avatar_engine.prepare.smooth import smooth_points
from avatar_engine.types import Int32

NAME = "mira"
SEED = 1
SPEC = NetSpec(160, (12, 24, 48, 96, 192))
"""Narrower still where pictures are large: half the work of a step goes into the last doubling."""
MOST_BYTES = 40_000_000
_CALIBRATION_ROWS = 1500
"""About a minute of sound sets the scales of the int8 networks."""
_OPTIONAL_FILES = ("evaluation.json",)
ENCODER: EncoderName = "ave_footlight"


def choose_training(steps: int) -> TrainingOptions:
    """Small batches, the mouth before all else, and no judge but the painted truth: what an hour of one core can do."""
    usual = choose_options(
        "narrow", "cpu", steps=steps, batch=4, precision="bf16", learning_rate=2e-3, perceptual_weight=0.0
    )
    return dataclasses.replace(usual, net=SPEC, mouth_weight=3.0, validate_every=250)


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
        """The rows of the training set, made anew where the encoder is another one than last time."""
        heard = self.pairs_path / "rows.sha256"
        encoder = hash_file(NETWORK)
        if not heard.exists() or heard.read_text() != encoder:
            write_rows(self.pairs_path, takes, ENCODER)
            heard.write_text(encoder)

    def locate(self, detector: Path, landmarks: Path) -> None:
        """The points of the face in every frame, from the networks in these two files. Raises `WeightsError`."""
        if self.avatar.landmarks_path.exists():
            return
        tracker = FaceTracker(FaceDetector(detector), FaceLandmarker(landmarks))
        meshes = [tracker.track(frame) for frame in read_source(self.avatar.source_path)]
        points = [mesh.points for mesh in meshes if mesh is not None]
        if len(points) != len(meshes):
            raise TrainingError(f"no face was found in {len(meshes) - len(points)} frames of the painted loop")
        np.save(self.avatar.landmarks_path, smooth_points(np.stack(points)))

    def train(self, options: TrainingOptions, limits: Limits) -> Outcome:
        """Go on with the network until its steps are done or `limits` end the run. Raises `TrainingError`."""
        data = StudioSet(self.pairs_path)
        folder = self.avatar.train_path
        with hold_training(folder):
            keep_options(folder, options)
            return train_networks(data, options, Journal(folder), limits, "cpu")

    def finish(self) -> None:
        """Write `avatar.json`, which makes the folder an avatar, and export its network for processors."""
        digest = hash_file(self.avatar.source_path)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        frames = len(self._looks)
        shutil.copyfile(self.avatar.train_path / UNET_FILE, self.avatar.unet_path)
        rows = np.load(self.pairs_path / "rows.npy", mmap_mode="r")
        np.save(self.avatar.features_path(ENCODER), rows[:_CALIBRATION_ROWS])
        info = AvatarInfo(NAME, WIDTH, HEIGHT, frames, ENCODER, self._spec.to_json(), now, digest)
        self.avatar.write_info(info)
        export_avatar(self.avatar.path, self._spec, LoopPictures.load(self.avatar, self._spec), threads=1)

    def pack(self, out: Path) -> int:
        """Copy what the stage wants to `out`; how many bytes that is. Raises `TrainingError` over `MOST_BYTES`."""
        report = read_report(self.avatar.path, self._spec)
        if report is None:
            raise TrainingError("the network was not exported")
        networks = [*FLOAT_FILES, *(INT8_FILES if report.int8 else ())]
        names = ["source.mp4", "crops.npy", "landmarks.npy", REPORT, *networks, *_OPTIONAL_FILES, "avatar.json"]
        present = [name for name in names if (self.avatar.path / name).exists() or name not in _OPTIONAL_FILES]
        size: int = sum((self.avatar.path / name).stat().st_size for name in present)
        if size > MOST_BYTES:
            raise TrainingError(f"the presenter takes {size} bytes; {MOST_BYTES} may be shipped")
        out.mkdir(parents=True, exist_ok=True)
        for name in present:  # avatar.json last: until then the folder is not complete
            shutil.copyfile(self.avatar.path / name, out / name)
        return size

    def _read_squares(self) -> Int32:
        squares: Int32 = np.load(self.avatar.crops_path)
        return squares
