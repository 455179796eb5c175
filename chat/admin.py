"""Rows of the conversation in the Django admin. Speech is a record: it can be read there, not rewritten."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from chat.models import Message, Room, Sentence, Turn, Viewer


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments at run time
    """Rows that the show writes: looked at and deleted, never added or changed by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("title", "slug", "is_on_air", "engine", "language", "lease_owner", "lease_expires_at")
    list_filter = ("is_on_air", "language", "engine")
    search_fields = ("title", "slug", "persona_name")
    readonly_fields = ("generation", "lease_owner", "lease_expires_at", "created_at")


@admin.register(Viewer)
class ViewerAdmin(RecordAdmin):
    list_display = ("display_name", "id", "language", "last_seen_at")
    search_fields = ("display_name", "id")
    exclude = ("token_hash",)


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    list_display = ("id", "room", "display_name", "text", "state", "reason", "created_at")
    list_filter = ("room", "state", "reason")
    search_fields = ("text", "display_name")


class SentenceInline(admin.TabularInline):  # type: ignore[type-arg]  # as above
    model = Sentence
    fields = ("index", "text", "state", "heard", "duration_ms")
    readonly_fields = fields
    extra = 0
    can_delete = False


@admin.register(Turn)
class TurnAdmin(RecordAdmin):
    list_display = ("id", "room", "kind", "state", "model_name", "voice_name", "created_at", "ended_at")
    list_filter = ("room", "kind", "state")
    inlines = (SentenceInline,)


@admin.register(Sentence)
class SentenceAdmin(RecordAdmin):
    list_display = ("id", "turn", "index", "state", "text", "heard")
    list_filter = ("state",)
