"""The project itself as an app: it brings the commands that run the whole."""

from django.apps import AppConfig
from django.conf import settings


class MysiteConfig(AppConfig):
    name = "mysite"

    def ready(self) -> None:
        """Make the data folder, readable by its owner alone: SQLite makes a file but not the folder around it."""
        settings.FOOTLIGHT.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
