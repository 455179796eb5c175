"""`manage.py weights`: the only thing in Footlight that downloads."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from avatar_engine.errors import WeightsError
from avatar_engine.weights import KOKORO, WEIGHTS, LlmChoice, Weight, find_weight, is_whole, weight_path
from avatar_engine.weights.capacity import choose_llm_here
from avatar_engine.weights.fetch import fetch_weight, hash_matches
from avatar_engine.weights.progress import FetchProgress, ProgressFile, ProgressLines
from mysite.env import Env


class Command(BaseCommand):
    help = "Fetch the weight files that this machine wants, or those named."
    requires_system_checks: list[str] = []  # runs before there is a database

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "names", nargs="*", metavar="NAME", help="fetch these; without any, what this machine wants"
        )
        parser.add_argument("--list", action="store_true", help="list the manifest and what is here; fetch nothing")
        parser.add_argument("--verify", action="store_true", help="check the hash of every file that is here")
        parser.add_argument(
            "--llm", choices=["auto", "small", "large"], help="which language model; default is FOOTLIGHT_LLM"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.FOOTLIGHT
        folder: Path = env.data_dir / "weights"
        try:
            weights = [find_weight(name) for name in options["names"]]
        except WeightsError as error:
            raise CommandError(str(error)) from error
        if options["list"]:
            self._list(folder)
        elif options["verify"]:
            self._verify(weights or list(WEIGHTS), folder)
        else:
            self._fetch(weights or list_wanted(env, options["llm"]), folder)

    def _list(self, folder: Path) -> None:
        for weight in WEIGHTS:
            state = "here" if is_whole(weight, folder) else "not here"
            self.stdout.write(
                f"{weight.name}  {weight.bytes / 1e6:.0f} MB  {weight.licence}  {state}  ({weight.purpose})"
            )

    def _verify(self, weights: list[Weight], folder: Path) -> None:
        wrong = []
        for weight in weights:
            if not is_whole(weight, folder):
                self.stdout.write(f"{weight.name}: not here")
            elif hash_matches(weight_path(weight, folder), weight.sha256):
                self.stdout.write(f"{weight.name}: right")
            else:
                wrong.append(weight.name)
        if wrong:
            raise CommandError(f"wrong hash: {', '.join(wrong)}; delete the file and fetch it again")

    def _fetch(self, weights: list[Weight], folder: Path) -> None:
        if not weights:
            self.stdout.write("This machine wants nothing: FOOTLIGHT_LLM is off.")
        missing = [weight for weight in weights if not is_whole(weight, folder)]
        for weight in weights:
            if weight not in missing:
                self.stdout.write(f"{weight.name}: here")
        if not missing:
            return
        total = sum(weight.bytes for weight in missing)
        self.stdout.write(f"Downloading {total / 1e6:.0f} MB to {folder}:")
        for weight in missing:
            self.stdout.write(f"  {weight.file}, {weight.bytes / 1e6:.0f} MB, {weight.licence}, {weight.purpose}")
        for weight in missing:
            self._fetch_one(weight, folder)

    def _fetch_one(self, weight: Weight, folder: Path) -> None:
        keep = ProgressFile(folder)
        show = ProgressLines(self._show, terminal=self.stdout.isatty())

        def report(progress: FetchProgress) -> None:
            keep(progress)
            show(progress)

        try:
            fetch_weight(weight, folder, report)
        except WeightsError as error:
            raise CommandError(str(error)) from error

    def _show(self, text: str) -> None:
        self.stdout.write(text, ending="")
        self.stdout.flush()


def list_wanted(env: Env, llm: LlmChoice | None) -> list[Weight]:
    """What this machine wants; `llm` counts more than the environment."""
    if llm is None and not env.runs_llm:
        return []
    return [choose_llm_here(llm or env.llm, env.data_dir / "weights"), KOKORO]
