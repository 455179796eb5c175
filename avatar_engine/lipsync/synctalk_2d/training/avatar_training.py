"""Training of a prepared avatar: its own video in, the networks that the stage loads out."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from pathlib import Path

import numpy as np

from avatar_engine.errors import AvatarFolderError, FootlightError, TrainingError
from avatar_engine.features.offline import encode_clip
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.lipsync.synctalk_2d.training.atomic import replace_whole
from avatar_engine.lipsync.synctalk_2d.training.journal import STOP_FILE, Journal, TrainingState, hold_training
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.loop import Outcome
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions
from avatar_engine.lipsync.synctalk_2d.training.run import keep_options, read_options, train_networks
from avatar_engine.lipsync.synctalk_2d.training.video_set import VideoSet, open_video_set
from avatar_engine.types import Float32

logger = logging.getLogger(__name__)

_TELL_EVERY_FRAMES = 50
_EXPORT_THREADS = 2
_STATE_OF: dict[Outcome, TrainingState] = {"finished": "done", "paused": "paused", "stopped": "stopped"}


class AvatarTraining:
    """The training of one avatar. `weights` is the folder of weight files, for VGG-19 and the published encoder."""

    def __init__(self, folder: AvatarFolder, weights: Path) -> None:
        self._folder = folder
        self._weights = weights
        self._journal = Journal(folder.train_path)

    def run(self, wanted: TrainingOptions, limits: Limits, device: str) -> Outcome:
        """Train until done, stopped or out of time; goes on where the last run ended, with the options of the first.

        Finished and stopped trainings leave their best network in the avatar folder. Raises `TrainingError` and
        `AvatarFolderError`, and says so in the state file.
        """
        with hold_training(self._folder.train_path):
            (self._folder.train_path / STOP_FILE).unlink(missing_ok=True)
            try:
                outcome = self._run(wanted, limits, device)
            except FootlightError as error:
                self._journal.turn("failed", str(error))
                raise
            self._journal.turn(_STATE_OF[outcome])
            return outcome

    def _run(self, wanted: TrainingOptions, limits: Limits, device: str) -> Outcome:
        self._folder.read_info()  # refuses an unfinished folder
        options = read_options(self._folder.train_path) or wanted
        keep_options(self._folder.train_path, options)
        data = self._open_data(options)
        vgg_path = self._find_vgg()
        outcome = train_networks(data, options, self._journal, limits, device, vgg_path)
        if outcome != "paused":
            self._publish(options)
        return outcome

    def _open_data(self, options: TrainingOptions) -> VideoSet:
        folder = self._folder
        frames = folder.read_info().frames
        self._journal.say("preparing", steps=frames)

        def tell(done: int, total: int) -> None:
            if done % _TELL_EVERY_FRAMES == 0:
                self._journal.say("preparing", step=done, steps=total)

        return open_video_set(folder, self._read_rows(), options.net, options.reference_gap, tell)

    def _read_rows(self) -> Float32:
        """The stored rows of the avatar's sound; made now where preparation left them out."""
        folder, encoder = self._folder, self._folder.read_info().encoder
        path = folder.features_path(encoder)
        if path.exists():
            return folder.read_features(encoder)
        try:
            sound = folder.read_audio().astype(np.float32) / 32768
        except AvatarFolderError as error:
            raise TrainingError(f"{error}: a network learns from a voice and the lips that go with it") from error
        rows = encode_clip(sound, encoder, self._weights)

        def write(draft: Path) -> None:
            with draft.open("wb") as file:
                np.save(file, rows)

        replace_whole(path, write)
        return rows

    def _find_vgg(self) -> Path:
        from avatar_engine.lipsync.synctalk_2d.training.vgg import VGG_FILE

        return self._weights / VGG_FILE

    def _publish(self, options: TrainingOptions) -> None:
        """Put the best network so far where the stage loads it from, in the forms that it runs; nothing without one."""
        from avatar_engine.lipsync.synctalk_2d.cpu_generator import export_avatar
        from avatar_engine.lipsync.synctalk_2d.loop_pictures import LoopPictures
        from avatar_engine.lipsync.synctalk_2d.training.sync_phase import SYNCNET_FILE
        from avatar_engine.lipsync.synctalk_2d.training.unet_phase import UNET_FILE

        folder = self._folder
        best = folder.train_path / UNET_FILE
        if not best.exists():
            return
        self._journal.turn("exporting")
        judge = folder.train_path / SYNCNET_FILE
        if judge.exists():
            _copy(judge, folder.syncnet_path)
        _copy(best, folder.unet_path)
        folder.write_info(dataclasses.replace(folder.read_info(), net=options.net.to_json()))
        export_avatar(folder.path, options.net, LoopPictures.load(folder, options.net), _EXPORT_THREADS)


def _copy(path: Path, target: Path) -> None:
    def write(draft: Path) -> None:
        shutil.copyfile(path, draft)

    replace_whole(target, write)
