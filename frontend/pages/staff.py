"""Who may see the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from chat import selectors
from chat.models import Room

View = Callable[..., HttpResponse]


def staff_only(view: View) -> View:
    """Send strangers to the login page and answer 403 to accounts without the staff flag."""

    @login_required
    def check_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return check_staff


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks, and not a form that a browser sent by itself."""
    return request.accepts("application/json") and not request.accepts("text/html")


def get_room_or_404(slug: str) -> Room:
    """The room at `slug`. Raises `Http404`."""
    room = selectors.get_room(slug)
    if room is None:
        raise Http404
    return room
