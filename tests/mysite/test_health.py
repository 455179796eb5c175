"""Health says the truth about the picture."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncRequestFactory

from chat.models import Room
from frontend.room_hub import State
from mysite.health import healthz, readyz


class Rooms:
    """Stands for the hub: the state of each room."""

    def __init__(self, **states: State) -> None:
        self._states = states

    def room(self, slug: str) -> Any:
        return type("RoomState", (), {"state": self._states[slug]})


async def ask(hub: Rooms | None) -> int:
    request = AsyncRequestFactory().get("/readyz")
    request.scope["footlight.hub"] = hub
    return (await readyz(request)).status_code


async def test_healthz_needs_nothing() -> None:
    assert (await healthz(AsyncRequestFactory().get("/healthz"))).status_code == 200


@pytest.mark.django_db(transaction=True)
async def test_ready_while_every_picture_on_air_moves() -> None:
    await sync_to_async(Room.objects.create)(slug="one", title="One", is_on_air=True)
    await sync_to_async(Room.objects.create)(slug="two", title="Two", is_on_air=False)
    assert await ask(Rooms(one=State.LIVE, two=State.OFF_AIR)) == 200
    assert await ask(Rooms(one=State.HOLDING)) == 503
    assert await ask(Rooms(one=State.OFF_AIR)) == 503
    assert await ask(None) == 503


@pytest.mark.django_db(transaction=True)
async def test_ready_where_nothing_is_on_air() -> None:
    assert await ask(Rooms()) == 200
