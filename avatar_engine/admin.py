"""Avatars in the Django admin: consent can be written there, a preparation is a record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from avatar_engine.models import Avatar, Preparation


@admin.register(Avatar)
class AvatarAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments at run time
    """`prepare_avatar` makes the rows; deleting one leaves its folder."""

    list_display = ("name", "family", "consent_by", "consent_at", "created_at")
    search_fields = ("name", "consent_by")
    readonly_fields = ("name", "family", "consent_sha256", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Preparation)
class PreparationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """Looked at and deleted, never added or changed by hand: a worker may have it."""

    list_display = ("id", "avatar", "state", "step", "percent", "attempts", "created_at", "ended_at")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
