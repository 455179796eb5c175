"""`manage.py prepare_avatar`: turns a video of a person into an avatar, or says why it cannot."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from avatar_engine import selectors, services
from avatar_engine.errors import FootlightError
from avatar_engine.lipsync.synctalk_2d.folder import ENCODERS
from avatar_engine.management.preparation_run import is_abandoned, name_worker, run_preparation
from avatar_engine.models import Preparation
from avatar_engine.prepare.avatar import Progress
from avatar_engine.prepare.quality import Report
from avatar_engine.prepare.reasons import SourceRefused


class Command(BaseCommand):
    help = "Prepare an avatar from a video: 3 to 5 minutes of one person who speaks into a camera that stands still."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("video", nargs="?", type=Path, metavar="VIDEO", help="the source, any common format")
        parser.add_argument("--name", help="small letters, digits, '-' and '_'; names its folder in DATA/avatars")
        parser.add_argument("--encoder", choices=ENCODERS, default="ave_footlight", help="what hears the sound")
        parser.add_argument("--silent-ok", action="store_true", help="take a video without speech: it can only idle")
        parser.add_argument("--consent-by", metavar="WHO", help="the person who allowed it, for the record")
        parser.add_argument("--consent-scope", metavar="WHAT", default="", help="what the person allowed")
        parser.add_argument("--queue", action="store_true", help="leave the work to the worker")
        parser.add_argument("--due", action="store_true", help="do what waits for the worker, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["due"]:
            self._run_due()
            return
        if options["video"] is None or not options["name"]:
            raise CommandError("say which VIDEO, and the avatar's --name")
        try:
            preparation = self._order(options)
            if options["queue"]:
                self.stdout.write(f"{options['name']}: waits for the worker; the console shows how far it is")
                return
            self._run(preparation, abandoned=is_abandoned(preparation, settings.FOOTLIGHT.data_dir))
        except FootlightError as error:
            raise CommandError(str(error)) from error

    def _order(self, options: dict[str, Any]) -> Preparation:
        by = options["consent_by"]
        return services.order_preparation(
            options["name"],
            options["video"],
            options["encoder"],
            silent_ok=options["silent_ok"],
            consent=services.Consent(by, options["consent_scope"]) if by else None,
        )

    def _run(self, preparation: Preparation, *, abandoned: bool) -> None:
        claimed = services.claim_preparation(preparation.pk, name_worker(), abandoned=abandoned)
        if claimed is None:
            raise CommandError(f"{preparation.avatar.name} is being prepared by {preparation.lease_owner}")
        try:
            report = run_preparation(claimed, settings.FOOTLIGHT.data_dir, _Lines(self).tell)
        except SourceRefused as refusal:
            raise CommandError("\n  ".join(["refused, because", *map(str, refusal.reasons)])) from refusal
        self._show(preparation.avatar.name, report)

    def _run_due(self) -> None:
        """One after the other; what is wrong with one stands in its row and keeps nobody from the next."""
        for due in list(selectors.list_due_preparations(timezone.now()).select_related("avatar")):
            try:
                self._run(due, abandoned=False)
            except (FootlightError, CommandError) as error:
                self.stderr.write(f"{due.avatar.name}: {error}")

    def _show(self, name: str, report: Report) -> None:
        for reason in report.reasons:
            self.stdout.write(f"  note: {reason}")
        figures = report.figures
        self.stdout.write(
            f"{name}: ready, {figures.get('seconds', 0):.1f} s of {figures.get('width', 0):.0f}x"
            f"{figures.get('height', 0):.0f}, face {figures.get('face_px', 0):.0f} px wide"
        )


class _Lines:
    """One line for each step and for every ten percent."""

    def __init__(self, command: BaseCommand) -> None:
        self._command = command
        self._said: tuple[str, int] | None = None

    def tell(self, progress: Progress) -> None:
        mark = (progress.step, progress.percent // 10)
        if mark != self._said:
            self._said = mark
            self._command.stdout.write(f"{progress.percent:3d} % {progress.step}")
            self._command.stdout.flush()
