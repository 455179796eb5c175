"""`manage.py prepare`: what has to be in place before the processes of many machines start."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from mysite.preparation import prepare


class Command(BaseCommand):
    help = "Make secrets, tables, static files, the first operator and the demo room, where they are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        prepare(settings.FOOTLIGHT, self.stdout.write)
