"""`manage.py make_default_avatar`: paints, voices, trains and packs the presenter that ships with Footlight."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from avatar_engine.errors import FootlightError
from avatar_engine.weights import FACE_DETECTOR, FACE_LANDMARKS, KOKORO, Weight, is_whole

if TYPE_CHECKING:
    from avatar_engine.lipsync.synctalk_2d.studio.recipe import Recipe

_TELL_EVERY_S = 10.0


class Command(BaseCommand):
    help = "Make the default presenter from nothing but code and voices. Stopped at any time, it goes on later."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, help="where the packed presenter goes; without it the one that ships")
        parser.add_argument("--work", type=Path, help="folder of everything on the way, about 1 GB")
        parser.add_argument("--minutes", type=float, help="end this run's training after so long; the next goes on")
        parser.add_argument("--steps", type=int, default=5000, help="steps of the whole training")
        parser.add_argument("--threads", type=int, default=1, help="processor threads")

    def handle(self, *args: Any, **options: Any) -> None:
        from avatar_engine.lipsync.synctalk_2d.engine import DEFAULT_AVATAR
        from avatar_engine.lipsync.synctalk_2d.studio.recipe import SPEC, Recipe

        env = settings.FOOTLIGHT
        work = options["work"] or env.data_dir / "default_avatar"
        weights = env.data_dir / "weights"
        try:
            paths = {weight.name: _find(weight, weights) for weight in (KOKORO, FACE_DETECTOR, FACE_LANDMARKS)}
            recipe = Recipe(work, SPEC)
            self._render(recipe, paths)
            if not self._train(recipe, options):
                self.stdout.write("the training is not done; run this again to go on")
                return
            recipe.finish()
            size = recipe.pack(options["out"] or DEFAULT_AVATAR)
        except FootlightError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"packed {size / 1e6:.1f} MB; measure it with `manage.py evaluate_avatar`")

    def _render(self, recipe: Recipe, paths: dict[str, Path]) -> None:
        """Film, voices, pairs and points: what the network is trained on, and what it will draw into."""
        recipe.film(self._tell("loop"))
        recipe.locate(paths[FACE_DETECTOR.name], paths[FACE_LANDMARKS.name])
        recipe.record(paths[KOKORO.name])
        takes = recipe.takes()
        recipe.shoot(takes, self._tell("pairs"))
        recipe.listen(takes)

    def _train(self, recipe: Recipe, options: dict[str, Any]) -> bool:
        """Whether the training is done."""
        from avatar_engine.lipsync.synctalk_2d.studio.recipe import choose_training
        from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
        from avatar_engine.lipsync.synctalk_2d.training.run import prepare_device

        prepare_device("cpu", options["threads"])
        seconds = None if options["minutes"] is None else options["minutes"] * 60
        limits = Limits(recipe.avatar.train_path, seconds=seconds)
        return recipe.train(choose_training(options["steps"]), limits) == "finished"

    def _tell(self, what: str) -> Any:
        last = [0.0]

        def tell(done: int, total: int) -> None:
            if time.monotonic() - last[0] > _TELL_EVERY_S or done == total:
                last[0] = time.monotonic()
                self.stdout.write(f"{what}: {done} of {total}")

        return tell


def _find(weight: Weight, folder: Path) -> Path:
    if not is_whole(weight, folder):
        raise CommandError(f"{weight.file} is not in {folder}: fetch it with `manage.py weights {weight.name}`")
    return folder / weight.file
