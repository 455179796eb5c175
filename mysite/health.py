"""What a load balancer and the supervisor ask."""

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from chat.models import Room
from frontend.hub import MediaHub
from frontend.room_hub import State
from mysite.disk import read_disk


@never_cache
async def healthz(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all."""
    return JsonResponse({"status": "ok"})


@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    """200 where the database answers and the picture of every room that is on air moves here; 503 otherwise."""
    try:
        on_air = await sync_to_async(_list_on_air)()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    hub: MediaHub | None = getattr(request, "scope", {}).get("footlight.hub")
    states = {slug: hub.room(slug).state if hub else State.OFF_AIR for slug in on_air}
    disk = read_disk(settings.FOOTLIGHT.data_dir)
    moving = all(state is State.LIVE for state in states.values())
    body = {
        "status": "ok" if moving else "picture stands",
        "rooms": {slug: s.name.lower() for slug, s in states.items()},
        "disk": disk.state.value,
    }
    response = JsonResponse(body, status=200 if moving else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # "not yet" is an answer, not an error
    return response


def _list_on_air() -> list[str]:
    return list(Room.objects.filter(is_on_air=True).order_by("slug").values_list("slug", flat=True))
