"""App config of `avatar_engine`."""

from django.apps import AppConfig


class AvatarEngineConfig(AppConfig):
    name = "avatar_engine"
