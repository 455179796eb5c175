"""What every template needs: the texts of the chosen language and the languages to choose from."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from frontend.strings import LANGUAGES, find_language, load_strings


def build_context(request: HttpRequest) -> dict[str, Any]:
    """Texts by `strings`, languages by `languages`, and where a language switch comes back to."""
    # The middleware has read the cookie and Accept-Language; a request that never reached it has the default.
    language = find_language(getattr(request, "LANGUAGE_CODE", None) or get_language())
    return {
        "strings": load_strings(language),
        "languages": LANGUAGES,
        "language_cookie": settings.LANGUAGE_COOKIE_NAME,
        "here": request.get_full_path() if request.method == "GET" else "/",
    }


def render_page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A page of the site in the reader's language."""
    return render(request, f"frontend/{template}", {**build_context(request), **(context or {})}, status=status)
