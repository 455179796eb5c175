"""Making a room and changing what it is."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from chat import services
from frontend.pages.context import build_context, render_page
from frontend.pages.room_form import RoomForm, RoomSettingsForm
from frontend.pages.staff import get_room_or_404, staff_only


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def new_room(request: HttpRequest) -> HttpResponse:
    """The form of a new room."""
    form = RoomForm(request.POST or None)
    if form.is_bound and form.is_valid():
        room = services.create_room(**form.list_columns())
        return redirect("frontend:console-room", slug=room.slug)
    return render_page(request, "console/new_room.html", {"form": form}, status=_status(form))


@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
def edit_room(request: HttpRequest, slug: str) -> HttpResponse:
    """The settings of a room. A stage takes up most of them before the next turn, the rest with the next show."""
    room = get_room_or_404(slug)
    strings = build_context(request)["strings"]
    # A row of its own: what a form refuses stays in the instance that it was given.
    form = RoomSettingsForm(request.POST or None, instance=get_room_or_404(slug), strings=strings)
    if form.is_bound and form.is_valid():
        services.change_room(room, **form.list_columns())
        async_to_sync(services.nudge_stages)(room.slug)
        messages.success(request, "edit.saved_for_next" if _is_held_back(form) else "edit.saved")
        return redirect("frontend:console-room", slug=room.slug)
    return render_page(request, "console/edit_room.html", {"form": form, "room": room}, status=_status(form))


def _is_held_back(form: RoomSettingsForm) -> bool:
    return form.instance.is_on_air and form.waits_for_next_show


def _status(form: RoomForm) -> int:
    return 422 if form.is_bound else 200
