"""`manage.py train_avatar`: teaches a network the lower face of one prepared avatar."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from avatar_engine.errors import FootlightError
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder, check_avatar_name
from avatar_engine.lipsync.synctalk_2d.training.avatar_training import AvatarTraining
from avatar_engine.lipsync.synctalk_2d.training.journal import Journal, is_training, read_state
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.loop import Outcome
from avatar_engine.lipsync.synctalk_2d.training.options import NETS, TrainingOptions, choose_options
from avatar_engine.lipsync.synctalk_2d.training.run import (
    choose_device,
    choose_precision,
    forget_training,
    prepare_device,
    read_options,
)
from avatar_engine.training_desk import drop_wish, is_wished, read_wish

_CHANGES = ("steps", "batch", "seed", "precision")


class Command(BaseCommand):
    help = "Train the networks of a prepared avatar, or go on where the last run ended."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="an avatar that `prepare_avatar` has made")
        parser.add_argument("--net", choices=list(NETS), help="328 as published, 160 of half the size, or narrow")
        parser.add_argument("--minutes", type=float, help="end this run after so long; the next goes on")
        parser.add_argument("--run-steps", type=int, metavar="N", help="end this run after N steps; the next goes on")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--threads", type=int, help="processor threads; without it half of the processors")
        parser.add_argument(
            "--sync", action=argparse.BooleanOptionalAction, help="train with a sync network; usual on a GPU alone"
        )
        parser.add_argument("--steps", type=int, help="steps of the whole training")
        parser.add_argument("--batch", type=int, help="pictures a step")
        parser.add_argument("--seed", type=int, help="of weights and order")
        parser.add_argument("--precision", choices=["fp32", "bf16"], help="of the arithmetic")
        parser.add_argument("--fresh", action="store_true", help="forget what was learnt and begin anew")
        parser.add_argument("--wished", action="store_true", help=argparse.SUPPRESS)
        parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._train(options)
        except FootlightError as error:
            raise CommandError(str(error)) from error

    def _train(self, options: dict[str, Any]) -> None:
        folder = AvatarFolder(settings.FOOTLIGHT.data_dir / "avatars" / check_avatar_name(options["name"]))
        folder.read_info()  # refuses a name that nobody prepared, before anything is written
        if options["wished"] and not is_wished(folder.path):
            self.stdout.write(f"{folder.name}: nobody wants this training any more")
            return
        try:
            outcome = self._run(folder, options)
        except FootlightError as error:
            if not is_training(folder.train_path):  # else another process is at it, and goes on
                drop_wish(folder.path)
                Journal(folder.train_path).turn("failed", str(error))
            raise
        if outcome != "paused":
            drop_wish(folder.path)
        self._report(folder, outcome)

    def _run(self, folder: AvatarFolder, options: dict[str, Any]) -> Outcome:
        device = choose_device(options["device"])
        if options["fresh"]:
            forget_training(folder.train_path)
        if options["wished"] and read_options(folder.train_path) is None:
            options |= read_wish(folder.path)
        prepare_device(device, options["threads"] or max(1, (os.cpu_count() or 1) // 2))
        minutes = options["minutes"]
        limits = Limits(
            folder.train_path,
            seconds=None if minutes is None else minutes * 60,
            steps=options["run_steps"],
            parent=options["parent"],
        )
        training = AvatarTraining(folder, settings.FOOTLIGHT.data_dir / "weights")
        with pause_on_signals(limits):
            return training.run(self._choose(folder, options, device), limits, device)

    def _choose(self, folder: AvatarFolder, options: dict[str, Any], device: str) -> TrainingOptions:
        """The options of a new training, or those of the one begun, where nothing else was asked for."""
        changes = {name: options[name] for name in _CHANGES if options[name] is not None}
        begun = read_options(folder.train_path)
        if begun is None:
            changes.setdefault("precision", choose_precision(device))
            return choose_options(options["net"] or "328", device, sync=options["sync"], **changes)
        wanted = {"net": NETS[options["net"]]} if options["net"] else {}
        differing = [name for name, value in (changes | wanted).items() if getattr(begun, name) != value]
        if differing or options["sync"] not in (None, begun.wants_sync):
            names = ", ".join(differing or ["sync"])
            raise CommandError(f"this training was begun with another {names}; go on without it, or add --fresh")
        return begun

    def _report(self, folder: AvatarFolder, outcome: Outcome) -> None:
        state = read_state(folder.train_path) or {}
        best = f"; best {state['best']:.2f} at step {state['best_step']}" if state.get("best") else ""
        self.stdout.write(f"{folder.name}: {outcome} at step {state.get('step')} of {state.get('steps')}{best}")


@contextmanager
def pause_on_signals(limits: Limits) -> Iterator[None]:
    """Ctrl-C and TERM end the run after its present step, with a checkpoint."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, lambda *_: limits.ask_to_pause())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
