"""Who runs which room. A lease is a row; exactly one holder at a time, however many stage processes there are."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from chat.models import Room

LEASE_S = 6.0


def claim_rooms(owner: str, most: int) -> list[Room]:
    """Take rooms that nobody holds, or that `owner` held before; at most `most` in all.

    They should be on air; or they went off air while their holder was away, and somebody has to tell render and pages.
    """
    now = timezone.now()
    free = Q(lease_expires_at__isnull=True) | Q(lease_expires_at__lt=now) | Q(lease_owner=owner)
    has_work = Q(is_on_air=True) | ~Q(lease_owner="")
    taken = []
    for room in Room.objects.filter(free, has_work).order_by("pk")[:most]:
        expires = now + timedelta(seconds=LEASE_S)
        if Room.objects.filter(free, has_work, pk=room.pk).update(lease_owner=owner, lease_expires_at=expires):
            room.refresh_from_db()
            taken.append(room)
    return taken


def renew(owner: str, room_id: int) -> bool:
    """Keep a lease; False where somebody else holds it now."""
    expires = timezone.now() + timedelta(seconds=LEASE_S)
    return bool(Room.objects.filter(pk=room_id, lease_owner=owner).update(lease_expires_at=expires))


def release(owner: str, room_id: int) -> None:
    """Give a lease back."""
    Room.objects.filter(pk=room_id, lease_owner=owner).update(lease_owner="", lease_expires_at=None)
