"""`manage.py evaluate_avatar`: the figures of an avatar, and whether they let it on air."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from avatar_engine.errors import FootlightError, VoiceError
from avatar_engine.evaluate.avatar import EvaluationPlan, evaluate_avatar
from avatar_engine.evaluate.files import find_files
from avatar_engine.evaluate.gate import check_evaluation
from avatar_engine.evaluate.network_hash import hash_network
from avatar_engine.evaluate.result import format_table, save_evaluation
from avatar_engine.evaluate.sheet import save_sheet
from avatar_engine.evaluate.takes import Take, speak_takes
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, check_avatar_name
from avatar_engine.voice.base import Voice
from avatar_engine.voice.hibari import HibariVoice
from avatar_engine.voice.kokoro import KokoroVoice

TEST_SENTENCES: dict[str, tuple[str, ...]] = {
    "en": (
        "A quiet harbour wakes before the first boat leaves the bay.",
        "Five friendly vets will move the fox, the bear and my mother's goose.",
        "Oh, how wonderful: you have all come back for more tonight!",
    ),
    "zh": ("妈妈买了八包苹果和一本旧地图。", "欧洲的冬天很冷，可是夜里的灯光非常美丽。"),
}
"""Said to an avatar whose own video holds no speech. Nothing that Footlight trains is made with these."""


class Command(BaseCommand):
    help = "Measure an avatar: likeness, lips, lag, judges and speed; its figures decide whether it may go on air."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="an avatar of DATA/avatars")
        parser.add_argument("--folder", type=Path, help="its folder, where it does not lie there")
        parser.add_argument("--pictures", type=int, default=60, help="held-out frames to redraw")
        parser.add_argument("--seconds", type=float, default=40.0, help="held-out speech to play")
        parser.add_argument("--device", default="cpu", help="what draws on air: cpu or cuda")
        parser.add_argument("--threads", type=int, default=1, help="processor threads of the networks that measure")

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.FOOTLIGHT
        try:
            name = check_avatar_name(options["name"])
            avatar = AvatarFolder(options["folder"] or env.data_dir / "avatars" / name)
            weights = env.data_dir / "weights"
            folders = [weights, *([env.shared / "data"] if env.shared else [])]
            plan = EvaluationPlan(
                device=options["device"],
                threads=options["threads"],
                pictures=options["pictures"],
                seconds=options["seconds"],
                speak=lambda: speak(weights),
            )
            found, sheet = evaluate_avatar(avatar, weights, find_files(folders), plan, self._say)
        except FootlightError as error:
            raise CommandError(str(error)) from error
        save_sheet(sheet, avatar.sheet_path)
        save_evaluation(found, avatar.path)
        self.stdout.write(format_table(found))
        self.stdout.write(f"  load of this machine {os.getloadavg()[0]:.1f}; pictures in {avatar.sheet_path.name}")
        shortfalls = check_evaluation(found, hash_network(avatar.path))
        for short in shortfalls:
            limit = "" if short.limit is None else f": {short.value:.3g}, the limit is {short.limit:.3g}"
            self.stdout.write(f"  keeps it off the air: {short.code}{limit}")
        if not shortfalls:
            self.stdout.write("  passes: it may go on air")

    def _say(self, text: str) -> None:
        self.stdout.write(f"{text} ...")
        self.stdout.flush()


def speak(weights: Path) -> Sequence[Take]:
    """The test sentences by the voices that are here; a voice that is not is left out."""
    return asyncio.run(_speak_all([(HibariVoice(), "en"), (KokoroVoice(weights), "en"), (KokoroVoice(weights), "zh")]))


async def _speak_all(voices: Sequence[tuple[Voice, str]]) -> list[Take]:
    takes: list[Take] = []
    for voice, language in voices:
        try:
            takes += await speak_takes(voice, TEST_SENTENCES[language], language)
        except VoiceError:
            continue
        finally:
            await voice.close()
    return takes
