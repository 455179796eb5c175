"""`manage.py backup FILE`: everything that cannot be made again, in one file, while Footlight runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mysite.backup import make_backup
from mysite.backup_archive import BackupError


class Command(BaseCommand):
    help = "Writes database, avatars and media to FILE (.tar.gz) while Footlight runs."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="is replaced once the new one is whole")
        parser.add_argument("--secrets", action="store_true", help="with secret key and tokens: keep such a file safe")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"]
        try:
            manifest = make_backup(settings.FOOTLIGHT, target, with_secrets=options["secrets"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        size_mb = target.stat().st_size / 1e6
        self.stdout.write(f"{target}: {len(manifest.files)} files, {size_mb:.1f} MB")
