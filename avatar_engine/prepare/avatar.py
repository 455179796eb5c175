"""From a video of a person to an avatar folder, step by step; a run that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from avatar_engine.errors import AvatarFolderError, PreparationError, WeightsError
from avatar_engine.face.detector import FaceDetector
from avatar_engine.face.landmarker import FaceLandmarker
from avatar_engine.features.offline import encode_clip
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, AvatarInfo, EncoderName, read_json, write_json
from avatar_engine.lipsync.synctalk_2d.source_video import read_source
from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.picture import Picture, write_picture
from avatar_engine.prepare.probe import Source, probe_source
from avatar_engine.prepare.quality import Report, join_reports, judge_face, judge_picture, judge_sound
from avatar_engine.prepare.reasons import Reason, SourceRefused, refuse
from avatar_engine.prepare.scan import FrameScanner, Scan, scan_video
from avatar_engine.prepare.smooth import build_crops, fill_gaps, smooth_points
from avatar_engine.prepare.sound import measure_sound, read_sound, to_float, write_sound
from avatar_engine.prepare.work import Work, hold_work, write_array
from avatar_engine.timing import FPS
from avatar_engine.weights import FACE_DETECTOR, FACE_LANDMARKS, is_whole, weight_path
from avatar_engine.weights.capacity import free_disk
from avatar_engine.weights.fetch import DISK_MARGIN_BYTES

logger = logging.getLogger(__name__)

Step = Literal["look", "picture", "sound", "faces", "features", "done"]
STEPS: dict[Step, tuple[int, int]] = {
    "look": (0, 2),
    "picture": (2, 40),
    "sound": (40, 42),
    "faces": (42, 92),
    "features": (92, 100),
    "done": (100, 100),
}
"""The steps in order, each with the percent at which it begins and ends."""
_LOOKS = 8
_HASH_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be prepared.

    source: the video. avatars: the folder that holds all avatars. weights: the weights folder.
    silent_ok: take a video without speech, for an avatar that only stands and listens.
    """

    source: Path
    name: str
    avatars: Path
    weights: Path
    encoder: EncoderName = "ave_footlight"
    silent_ok: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Progress:
    """percent: 0..100 of the whole."""

    step: Step
    percent: int


Tell = Callable[[Progress], None]


def prepare_avatar(order: Order, tell: Tell, now: Callable[[], datetime]) -> Report:
    """Prepare the avatar, or go on with it; returns its report. One that is complete is left as it is.

    Raises `SourceRefused` with its reasons, after which nothing is left of it; `WeightsError` where a face network is
    missing; `PreparationError` where the name is taken by another source or somebody prepares it right now.
    """
    for weight in (FACE_DETECTOR, FACE_LANDMARKS):
        if not is_whole(weight, order.weights):
            raise WeightsError(f"a face network is missing: manage.py weights {weight.name} fetches it")
    avatar = AvatarFolder(order.avatars / order.name)
    if free_disk(order.avatars) < DISK_MARGIN_BYTES:
        raise PreparationError(f"the disk of {order.avatars} is nearly full")
    tell(Progress("look", 0))
    with hold_work(avatar) as work:
        try:
            source = _look(order)
            sha256 = _hash_file(source.path)
            if avatar.is_complete:
                report = _recall_report(avatar, sha256)
                work.finish()
            else:
                work.begin(sha256, {"encoder": order.encoder, "silent_ok": order.silent_ok})
                report = _Preparation(order, avatar, work, source, tell).run()
                _complete(order, avatar, source, sha256, report, now)
                work.finish()
        except SourceRefused:
            work.discard()
            raise
        except (PreparationError, WeightsError):
            if avatar.is_complete or work.recall("picture") is None:
                work.discard()
            raise
        except OSError as error:
            raise PreparationError(f"reading or writing failed: {error}; the next run goes on from here") from error
    tell(Progress("done", 100))
    return report


class _Preparation:
    """The steps between the first look and the finished folder."""

    def __init__(self, order: Order, avatar: AvatarFolder, work: Work, source: Source, tell: Tell) -> None:
        self._order = order
        self._limits = order.limits
        self._avatar = avatar
        self._work = work
        self._source = source
        self._tell = tell

    def run(self) -> Report:
        """Everything but avatar.json. Raises `SourceRefused` with all that was found."""
        picture = self._write_picture()
        sound = self._write_sound(picture)
        scan = self._scan(picture)
        report = join_reports(sound, judge_face(scan, self._limits))
        if report.figures["face_share"] > 0:
            points = smooth_points(fill_gaps(scan.points))
            crops = build_crops(points)
            report = join_reports(report, judge_picture(self._source, picture, scan, crops, self._limits))
        if report.refuses:
            raise SourceRefused([reason for reason in report.reasons if reason.refuses], report.to_json())
        write_array(self._avatar.landmarks_path, points)
        write_array(self._avatar.crops_path, crops)
        self._write_features()
        write_json(self._avatar.report_path, report.to_json())
        return report

    def _write_picture(self) -> Picture:
        kept = self._work.recall("picture")
        if kept is not None and self._avatar.source_path.is_file():
            return Picture(**kept)
        expected = max(1.0, (self._source.seconds or self._limits.most_seconds) * FPS)

        def seen(frames: int) -> None:
            self._say("picture", frames / expected)

        draft = self._work.draft_video_path
        picture = write_picture(self._source, draft, self._limits, seen)
        os.replace(draft, self._avatar.source_path)
        self._work.keep("picture", asdict(picture))
        return picture

    def _write_sound(self, picture: Picture) -> Report:
        self._say("sound", 0)
        if not self._source.has_sound:
            return Report({}, (Reason("no_training", refuses=False),))
        kept = self._work.recall("sound")
        if kept is not None and self._avatar.audio_path.is_file():
            return _read_report(kept)
        pcm, missing_s = read_sound(self._source, picture.starts_s, picture.frames)
        report = judge_sound(measure_sound(pcm, missing_s, self._limits), self._limits)
        if self._order.silent_ok and any(reason.code == "silent" for reason in report.reasons):
            allowed = tuple(reason for reason in report.reasons if reason.code != "silent")
            report = Report(report.figures, (*allowed, Reason("no_training", refuses=False)))
        write_sound(self._avatar.audio_path, pcm)
        self._work.keep("sound", report.to_json())
        return report

    def _scan(self, picture: Picture) -> Scan:
        weights = self._order.weights
        detector = FaceDetector(weight_path(FACE_DETECTOR, weights))
        scanner = FrameScanner(detector, FaceLandmarker(weight_path(FACE_LANDMARKS, weights)))
        if not self._work.scan_path.is_dir():
            self._check_for_a_face(detector, picture.frames)

        def seen(frames: int) -> None:
            self._say("faces", frames / picture.frames)

        return scan_video(self._avatar.source_path, picture.frames, scanner, self._work.scan_path, seen)

    def _check_for_a_face(self, detector: FaceDetector, frames: int) -> None:
        """Refuse in a second, and not in minutes, what shows nobody at all."""
        for number in np.linspace(0, frames - 1, min(_LOOKS, frames)).astype(int):
            frame = next(read_source(self._avatar.source_path, int(number), int(number) + 1), None)
            if frame is not None and detector.detect(frame):
                return
        raise refuse("no_face", percent=0.0, least=round(100 * self._limits.least_face_share, 1))

    def _write_features(self) -> None:
        path = self._avatar.features_path(self._order.encoder)
        self._say("features", 0)
        if not self._avatar.audio_path.is_file() or path.is_file():
            return
        try:
            rows = encode_clip(to_float(self._avatar.read_audio()), self._order.encoder, self._order.weights)
        except WeightsError as error:  # training makes them when the encoder is there
            logger.info("%s: no features yet: %s", self._avatar.name, error)
            return
        write_array(path, rows)

    def _say(self, step: Step, share: float) -> None:
        start, end = STEPS[step]
        self._tell(Progress(step, int(start + (end - start) * min(share, 1.0))))


def _look(order: Order) -> Source:
    source = probe_source(order.source, order.limits)
    if not source.has_sound and not order.silent_ok:
        raise refuse("no_sound")
    return source


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _recall_report(avatar: AvatarFolder, sha256: str) -> Report:
    if avatar.read_info().source_sha256 != sha256:
        raise PreparationError(f"there is an avatar {avatar.name} from another video; choose another name")
    try:
        return _read_report(read_json(avatar.report_path))
    except AvatarFolderError:
        return Report({}, ())


def _read_report(body: Any) -> Report:
    """A report from its JSON. Raises `AvatarFolderError` for anything else."""
    try:
        reasons = tuple(Reason(item["code"], item["refuses"], item["values"]) for item in body["reasons"])
        return Report(dict(body["figures"]), reasons)
    except (KeyError, TypeError, ValueError) as error:
        raise AvatarFolderError(f"report.json is no report: {error}") from error


def _complete(
    order: Order, avatar: AvatarFolder, source: Source, sha256: str, report: Report, now: Callable[[], datetime]
) -> None:
    info = AvatarInfo(
        name=order.name,
        width=source.width,
        height=source.height,
        frames=int(report.figures["frames"]),
        encoder=order.encoder,
        net=None,
        prepared=now().isoformat(timespec="seconds"),
        source_sha256=sha256,
    )
    avatar.write_info(info)
