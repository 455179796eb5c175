"""Who may use the API: operators in their browser, and programs with the token."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.views.decorators.csrf import csrf_exempt

AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def build_error(status: int, error: str, message: str) -> JsonResponse:
    """The body of every failure: a reason code, and what it means in English."""
    return JsonResponse({"error": error, "message": message}, status=status)


def operators_only(view: AsyncView) -> AsyncView:
    """Let in who brings `Authorization: Bearer <token>`, or an operator's session; a session needs the CSRF token too.

    401 for strangers, 403 for accounts without the staff flag.
    """

    @csrf_exempt
    @functools.wraps(view)
    async def check(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        refusal = None if has_token(request) else await _check_session(request)
        return refusal if refusal is not None else await view(request, *args, **kwargs)

    return check


def has_token(request: HttpRequest) -> bool:
    """Whether the request carries the token of the API."""
    given = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(given, b"Bearer " + settings.FOOTLIGHT.api_token().encode())


async def _check_session(request: HttpRequest) -> HttpResponseBase | None:
    user = await request.auser()
    if not user.is_authenticated:
        response = build_error(401, "not_logged_in", "Log in to the console, or send the API token.")
        response["WWW-Authenticate"] = "Bearer"
        return response
    if not user.is_staff:
        return build_error(403, "not_allowed", "This account is not an operator.")
    if request.method in ("GET", "HEAD"):
        return None
    guard = CsrfViewMiddleware(lambda _: HttpResponse())
    guard.process_request(request)
    if guard.process_view(request, lambda: HttpResponse(), (), {}) is not None:
        return build_error(403, "csrf", "The CSRF token is missing or stale.")
    return None
