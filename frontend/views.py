"""The public pages: the list of rooms, and the room."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from chat import selectors, services
from chat.consumers import VIEWER_COOKIE
from chat.events import MAX_NAME, MAX_TEXT
from frontend.pages.context import render_page
from frontend.pages.viewers import count_viewers

YEAR_S = 365 * 24 * 3600


@require_safe
def rooms(request: HttpRequest) -> HttpResponse:
    """Every listed room, those on air first."""
    listed = sorted(selectors.list_rooms(), key=lambda room: not room.is_on_air)
    return render_page(request, "live/rooms.html", {"rooms": count_viewers(request, listed)})


@require_safe
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """The live room. A browser without a viewer cookie gets one; it is a viewer from its first hello on."""
    found = selectors.get_room(slug)
    if found is None:
        raise Http404
    context = {"room": found, "max_text": MAX_TEXT, "max_name": MAX_NAME}
    response = render_page(request, "live/room.html", context)
    if not services.VIEWER_TOKEN.fullmatch(request.COOKIES.get(VIEWER_COOKIE, "")):
        token = services.new_viewer_token()
        response.set_cookie(
            VIEWER_COOKIE, token, max_age=YEAR_S, httponly=True, samesite="Lax", secure=request.is_secure()
        )
    return response
