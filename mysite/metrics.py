"""Figures of one web process for Prometheus, at `/metrics`, for who has the token."""

from __future__ import annotations

import hmac
import logging

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from frontend.hub import MediaHub
from frontend.switchboard import Switchboard
from mysite.env import Env
from mysite.metrics_chat import ChatMeter
from mysite.metrics_machine import MachineMeter
from mysite.metrics_rooms import RoomMeter
from mysite.metrics_turns import TurnMeter

log = logging.getLogger(__name__)


class Metrics:
    """Every figure of this process, in a registry of its own."""

    def __init__(self, hub: MediaHub, relay: Switchboard, env: Env) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(RoomMeter(hub, relay))
        self.chat = ChatMeter(self._registry)
        self._turns = TurnMeter(self._registry)
        self._machine = MachineMeter(env)
        self._registry.register(self._machine)
        self._database_up = Gauge("footlight_database_up", "1 where the database answered.", registry=self._registry)

    async def scrape(self) -> bytes:
        """Everything in Prometheus' text format. Without a database, what does not need it."""
        try:
            await sync_to_async(self._read)()
            self._database_up.set(1)
        except DatabaseError:
            log.warning("the database did not answer a scrape")
            self._database_up.set(0)
        return generate_latest(self._registry)

    def _read(self) -> None:
        self._turns.read()
        self._machine.read()


@never_cache
async def metrics(request: HttpRequest) -> HttpResponse:
    """The figures for `Authorization: Bearer <token>`; 401 for anybody else."""
    given = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(given, b"Bearer " + settings.FOOTLIGHT.metrics_token().encode()):
        return HttpResponse("token wanted\n", status=401, headers={"WWW-Authenticate": "Bearer"})
    figures: Metrics | None = getattr(request, "scope", {}).get("footlight.metrics")
    if figures is None:
        return HttpResponse("this process has no figures\n", status=503)
    return HttpResponse(await figures.scrape(), content_type=CONTENT_TYPE_LATEST)
