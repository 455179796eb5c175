"""`manage.py infer_avatar`: an avatar speaks a recording, into an MP4."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from avatar_engine.clips.clip import render_clip
from avatar_engine.clips.mp4 import Mp4Writer
from avatar_engine.clips.sound import read_sound
from avatar_engine.clips.speech import cut_frames
from avatar_engine.errors import ClipError, FootlightError
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.registry import ENGINES, load_engine_class
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, check_avatar_name
from avatar_engine.types import Int16

FAMILY = "synctalk_2d"
PROGRESS_S = 2.0
MOST_SIDE_PX = 1920


class Command(BaseCommand):
    help = "Let an avatar speak a sound file; writes an MP4 with picture and sound."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--name", default="", help="which avatar; without it, the presenter that comes along")
        parser.add_argument("--audio", type=Path, required=True, help="sound, or a video with sound, of any kind")
        parser.add_argument("--out", type=Path, help="default: <name>_<audio>.mp4 in this folder")
        parser.add_argument("--size", help="picture as 1280x720; default is that of the source video")
        parser.add_argument("--family", default=FAMILY, choices=sorted(ENGINES), help=f"default {FAMILY}")
        parser.add_argument("--device", default="cpu", help="cpu or cuda")

    def handle(self, *args: Any, **options: Any) -> None:
        out = options["out"] or Path(f"{options['name'] or 'presenter'}_{options['audio'].stem}.mp4")
        try:
            pcm = read_sound(options["audio"])
            self._render(options, pcm, out)
        except (FootlightError, ValueError) as error:
            raise CommandError(str(error)) from error

    def _render(self, options: dict[str, Any], pcm: Int16, out: Path) -> None:
        data: Path = settings.FOOTLIGHT.data_dir
        folder = data / "avatars" / check_avatar_name(options["name"]) if options["name"] else None
        width, height = read_size(options["size"], folder)
        engine = load_engine_class(options["family"]).load(folder, options["device"])
        extractor = load_extractor(engine.capabilities.features, data / "weights")
        session = engine.open(0, width, height)
        sounds = cut_frames(pcm)
        began = told = time.monotonic()
        with Mp4Writer(out, width, height) as video:
            for number, picture in enumerate(render_clip(engine, extractor, session, pcm)):
                video.write(picture, sounds[number])
                if time.monotonic() - told > PROGRESS_S:
                    told = time.monotonic()
                    self._tell(number + 1, len(sounds), told - began)
        self._tell(len(sounds), len(sounds), time.monotonic() - began)
        self.stdout.write(str(out))

    def _tell(self, done: int, frames: int, seconds: float) -> None:
        self.stderr.write(f"{done} of {frames} frames, {done / max(seconds, 1e-6):.1f} a second")


def read_size(text: str | None, folder: Path | None) -> tuple[int, int]:
    """Width and height, even. Raises `ClipError` or `AvatarFolderError`."""
    if text:
        width, _, height = text.partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise ClipError(f"--size is {text!r}: write it as 1280x720")
        return int(width) // 2 * 2, int(height) // 2 * 2
    if folder is None:
        return 512, 512
    info = AvatarFolder(folder).read_info()
    scale = min(1.0, MOST_SIDE_PX / max(info.width, info.height))
    return round(info.width * scale) // 2 * 2, round(info.height * scale) // 2 * 2
