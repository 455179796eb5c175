"""Rows of the conversation in the Django admin. Speech is a record: it can be read there, not rewritten."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin
from django.http import HttpRequest

from chat import services
from chat.models import AirOverride, Message, Room, Sentence, Turn, Viewer
from chat.room_check import find_faults


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments at run time
    """Rows that the show writes: looked at and deleted, never added or changed by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RoomAdminForm(forms.ModelForm):  # type: ignore[type-arg]  # as above
    """Refuses what no stage or render could put on air."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("voices", "llm", "idle_lines"):
            if name in cleaned and cleaned[name] is None:  # an empty box
                cleaned[name] = []
        for name, fault in find_faults(cleaned).items():
            self.add_error(name, fault)
        return cleaned


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("title", "slug", "is_on_air", "engine", "language", "lease_owner", "lease_expires_at")
    list_filter = ("is_on_air", "language", "engine")
    search_fields = ("title", "slug", "persona_name")
    form = RoomAdminForm
    readonly_fields = ("is_on_air", "generation", "lease_owner", "lease_expires_at", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Viewers, stage and render know a room on air by its slug. The console puts it on air."""
        return (*self.readonly_fields, "slug") if obj is not None and obj.is_on_air else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save what was changed here alone: a stage writes generation and lease of the same row meanwhile."""
        if change:
            obj.save(update_fields=form.changed_data)
        else:
            obj.save()
        async_to_sync(services.nudge_stages)(obj.slug)


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


@admin.register(AirOverride)
class AirOverrideAdmin(RecordAdmin):
    list_display = ("id", "room", "avatar", "operator", "reason", "created_at")
    list_filter = ("room", "avatar")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Signatures stay as long as their room."""
        return False
