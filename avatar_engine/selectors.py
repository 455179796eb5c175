"""What is read of avatars for pages and for the worker."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from avatar_engine.models import Avatar, Preparation


def list_latest_preparations() -> list[Preparation]:
    """The latest preparation of each avatar, with its avatar, by name."""
    latest: dict[int, Preparation] = {}
    for preparation in Preparation.objects.select_related("avatar").order_by("id"):
        latest[preparation.avatar_id] = preparation
    return sorted(latest.values(), key=lambda preparation: preparation.avatar.name)


def get_latest_preparation(name: str) -> Preparation | None:
    """The latest preparation of the avatar `name`, or None."""
    return Preparation.objects.select_related("avatar").filter(avatar__name=name).order_by("-id").first()


def get_avatar(name: str) -> Avatar | None:
    """The avatar `name`, or None."""
    return Avatar.objects.filter(name=name).first()


def list_avatars() -> QuerySet[Avatar]:
    """All avatars, by name."""
    return Avatar.objects.order_by("name")


def list_due_preparations(now: datetime) -> QuerySet[Preparation]:
    """Those that wait for a worker, and those whose worker has died; the oldest first."""
    waiting = Q(state=Preparation.State.WAITING)
    lost = Q(state=Preparation.State.RUNNING, lease_expires_at__lt=now)
    return Preparation.objects.filter(waiting | lost).order_by("id")


def is_preparing(now: datetime) -> bool:
    """Whether a worker is at one of them and has said so lately."""
    return Preparation.objects.filter(state=Preparation.State.RUNNING, lease_expires_at__gte=now).exists()
