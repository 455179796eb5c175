"""How often an address may try to log in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse

from chat.address_limit import get_peer_address
from chat.moderation import RateLimiter, RateRule
from frontend.pages.errors import too_many

LOGIN_PACE = RateRule(count=10, window_s=300.0, pause_s=300.0)
LOGIN_VIEWS = ("frontend:login", "admin:login")


class LoginLimitMiddleware:
    """Counts what is posted to the login pages, by address; past the limit it answers 429.

    A try is counted before anybody looks at it, so that many at once are no way round, and given back where it let
    somebody in, so that a crew behind one address may come and go. Stands behind the CSRF check, so that no
    other site can use up a reader's tries. Each web process counts for itself.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any], clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds and never goes back."""
        self._get_response = get_response
        self._pace = RateLimiter(LOGIN_PACE, clock)
        user_logged_in.connect(self._give_back)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """The answer to one try too many, else None."""
        match = request.resolver_match
        if request.method != "POST" or match is None or match.view_name not in LOGIN_VIEWS:
            return None
        refusal = self._pace.check(_get_address(request))
        return too_many(request, refusal.retry_s) if refusal is not None else None

    def _give_back(self, sender: object, request: HttpRequest, **_: object) -> None:
        match = request.resolver_match
        if match is not None and match.view_name in LOGIN_VIEWS:
            self._pace.give_back(_get_address(request))


def _get_address(request: HttpRequest) -> str:
    return get_peer_address({"client": (request.META.get("REMOTE_ADDR", ""), 0)})
