"""The SyncTalk_2D family: a person's own source video, with a lower face drawn by a network trained on that person."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from avatar_engine.errors import AvatarFolderError
from avatar_engine.features.ave import window
from avatar_engine.lipsync.base import Capabilities
from avatar_engine.lipsync.synctalk_2d.cover import Cover, build_cover
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, AvatarInfo
from avatar_engine.lipsync.synctalk_2d.generator import Generator, load_generator
from avatar_engine.lipsync.synctalk_2d.loop_pictures import LoopPictures
from avatar_engine.lipsync.synctalk_2d.room_frames import RoomFrames
from avatar_engine.lipsync.synctalk_2d.session import SyncTalk2DSession
from avatar_engine.lipsync.synctalk_2d.source_loop import find_closed_frame, measure_openings
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.timing import FPS
from avatar_engine.types import Float32

LOOKAHEAD_FRAMES = 11
"""The last row of a window is made of sound up to 0.44 s after its frame."""
MIN_SIDE, MAX_SIDE = 128, 1920
KEPT_SIZES = 2
PUBLISHED = "328"
"""Which of the networks of `training/options.py` is trained where nobody chose."""
DEFAULT_AVATAR = Path(__file__).parent / "mira"


class SyncTalk2DEngine:
    """One avatar, loaded: its loop, its networks and the loop at the sizes of its rooms."""

    def __init__(
        self,
        avatar: AvatarFolder,
        info: AvatarInfo,
        pictures: LoopPictures,
        generator: Generator,
        rest: Float32 | None,
    ) -> None:
        """`rest`: what the network hears in silence, float32[16, 512], where the loop's own mouth is not at rest."""
        self._avatar = avatar
        self._info = info
        self._pictures = pictures
        self._generator = generator
        self._drawing = threading.Lock()
        self._opening = threading.Lock()
        self._sizes: OrderedDict[tuple[int, int], RoomFrames] = OrderedDict()
        self._rest = rest
        self.capabilities = Capabilities(
            fps=FPS,
            chunk_frames=generator.chunk_frames,
            lookahead_frames=LOOKAHEAD_FRAMES,
            realtime=generator.realtime,
            features=info.encoder,
        )

    @classmethod
    def prepare(cls, source: Path, folder: Path) -> None:
        """Make `folder`, `<data>/avatars/<name>`, of a video and train its networks: hours. Goes on where it ended.

        The commands `prepare_avatar` and `train_avatar` do the same in two steps and show how far they are. Raises
        `PreparationError`, `WeightsError` where a face network is not in `<data>/weights`, and `TrainingError`.
        """
        from avatar_engine.lipsync.synctalk_2d.training.avatar_training import AvatarTraining
        from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
        from avatar_engine.lipsync.synctalk_2d.training.options import choose_options
        from avatar_engine.lipsync.synctalk_2d.training.run import choose_device, choose_precision, prepare_device
        from avatar_engine.prepare.avatar import Order, prepare_avatar

        weights = folder.parent.parent / "weights"
        prepare_avatar(Order(source, folder.name, folder.parent, weights), _ignore, lambda: datetime.now(UTC))
        avatar = AvatarFolder(folder)
        device = choose_device("auto")
        prepare_device(device, max(1, (os.cpu_count() or 1) // 2))
        options = choose_options(PUBLISHED, device, sync=None, precision=choose_precision(device))
        AvatarTraining(avatar, weights).run(options, Limits(avatar.train_path), device)

    @classmethod
    def load(cls, folder: Path | None, device: str) -> SyncTalk2DEngine:
        """Read an avatar folder and warm its networks. None is the presenter that ships with the family.

        Raises `AvatarFolderError` or `CheckpointError`, which say what is missing or damaged.
        """
        avatar = AvatarFolder(folder or DEFAULT_AVATAR)
        info = avatar.read_info()
        spec = _read_spec(info)
        pictures = LoopPictures.load(avatar, spec)
        rest = _read_rest(avatar, info, pictures)
        return cls(avatar, info, pictures, load_generator(avatar.path, spec, pictures, device), rest)

    def open(self, seed: int, width: int, height: int) -> SyncTalk2DSession:
        """The presenter in a picture of this size. The first of a size reads the source, about a second; two are kept.

        There is no chance in this family: `seed` changes nothing. Raises ValueError where a side is not 128 to 1920
        pixels, and `AvatarFolderError` where the source cannot be read any more.
        """
        if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
            raise ValueError(f"sides must be {MIN_SIDE}..{MAX_SIDE} pixels, got {width}x{height}")
        rectangles = self._pictures.rectangles.astype(np.float64)
        face = (rectangles[:, [0, 2]].mean(), rectangles[:, 1].mean())
        cover = build_cover((self._info.width, self._info.height), (width, height), (float(face[0]), float(face[1])))
        frames = self._read_frames(cover)
        return SyncTalk2DSession(self._pictures, frames, cover, self._generator, self._drawing, self._rest)

    def _read_frames(self, cover: Cover) -> RoomFrames:
        size = (cover.room_width, cover.room_height)
        with self._opening:
            frames = self._sizes.pop(size, None)
            if frames is None:
                stretch = self._pictures.stretch
                read = self._avatar.iterate_frames(stretch.start, stretch.start + stretch.frames)
                frames = RoomFrames((cover.apply(frame) for frame in read), stretch.frames)
            self._sizes[size] = frames
            if len(self._sizes) > KEPT_SIZES:
                self._sizes.popitem(last=False)
        return frames


def _ignore(progress: object) -> None:
    """Nobody watches."""


def _read_spec(info: AvatarInfo) -> NetSpec:
    if info.net is None:
        raise AvatarFolderError(f"{info.name}: it has no network yet; train it with `manage.py train_avatar`")
    try:
        spec = NetSpec.from_json(info.net)
    except ValueError as error:
        raise AvatarFolderError(f"{info.name}: avatar.json: net: {error}") from error
    if spec.audio != "ave":
        raise AvatarFolderError(f"{info.name}: networks that hear {spec.audio} are read, but not shown on air")
    return spec


def _read_rest(avatar: AvatarFolder, info: AvatarInfo, pictures: LoopPictures) -> Float32 | None:
    """What the network heard where the lips were closed, float32[16, 512]; None where the loop itself is at rest."""
    if pictures.stretch.calm:
        return None
    return window(avatar.read_features(info.encoder), find_closed_frame(measure_openings(avatar.read_landmarks())))
