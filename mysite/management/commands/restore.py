"""`manage.py restore FILE`: puts a backup in place while Footlight does not run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mysite.backup import restore_backup
from mysite.backup_archive import BackupError


class Command(BaseCommand):
    help = "Checks FILE, brings its database to this release and puts it in place of the data folder's."
    requires_system_checks: list[str] = []  # there may be no database yet

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="made by `manage.py backup`")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            aside = restore_backup(settings.FOOTLIGHT, options["file"])
        except BackupError as error:
            raise CommandError(f"{error}. Nothing was changed.") from error
        self.stdout.write(f"{options['file']} is in place.")
        if aside is not None:
            self.stdout.write(f"What was there before is kept in {aside}; delete it when all is well.")
