"""The pages for when there is none. The root urlconf and CSRF_FAILURE_VIEW name them."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse

from frontend.pages.context import render_page


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    return _error(request, "400", 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: logged in, but not as staff."""
    return _error(request, "403", 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    return _error(request, "404", 404)


def broken(request: HttpRequest) -> HttpResponse:
    """500. Reads no row and no session: the database may be what broke."""
    return _error(request, "500", 500)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without a valid token."""
    return _error(request, "csrf", 403)


def too_many(request: HttpRequest, retry_s: float) -> HttpResponse:
    """429: one try to log in too many; `retry_s` seconds until the next one counts."""
    response = _error(request, "429", 429)
    response["Retry-After"] = str(math.ceil(retry_s))
    return response


def _error(request: HttpRequest, code: str, status: int) -> HttpResponse:
    texts = {"code": code, "title_key": f"error.{code}.title", "text_key": f"error.{code}.text"}
    return render_page(request, "errors/error.html", texts, status=status)
