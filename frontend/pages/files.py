"""The weight files: what there is, what is here, and a button that has the worker fetch it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from avatar_engine.errors import WeightsError
from avatar_engine.weights import WEIGHTS, Weight, find_weight
from avatar_engine.weights.request import FileStatus, drop_request, keep_request, read_status
from frontend.pages.context import render_page
from frontend.pages.staff import staff_only, wants_json

log = logging.getLogger(__name__)


@require_safe
@staff_only
def files(request: HttpRequest) -> HttpResponse:
    """Every file of the manifest with its state."""
    return render_page(request, "console/files.html", {"rows": [_build_row(weight) for weight in WEIGHTS]})


@require_safe
@staff_only
def files_now(request: HttpRequest) -> HttpResponse:
    """The states as JSON; the page asks again and again."""
    return JsonResponse(_now())


@require_POST
@staff_only
def fetch(request: HttpRequest, name: str) -> HttpResponse:
    """Have the worker fetch a file. Does nothing where it is here, on its way or asked for already."""
    try:
        weight = find_weight(name)
    except WeightsError as error:
        raise Http404 from error
    if _read(weight).may_ask and not _ask(weight):
        if wants_json(request):
            return JsonResponse({"reason": "no_worker"}, status=422)
        messages.error(request, "reason.no_worker")
    return JsonResponse(_now()) if wants_json(request) else redirect("frontend:console-files")


def _ask(weight: Weight) -> bool:
    """Pass the wish on; False where the broker does not take it."""
    # Here and not above: web sends this one task, and rarely; Celery would cost every start of the process.
    from kombu.exceptions import OperationalError

    from avatar_engine.tasks import fetch_weights

    keep_request(weight, _folder())
    try:
        fetch_weights.apply_async([weight.name], retry=False)
    except OperationalError:
        log.exception("the broker did not take the wish for %s", weight.name)
        drop_request(weight, _folder())
        return False
    return True


def _build_row(weight: Weight) -> dict[str, Any]:
    status = _read(weight)
    return {
        "weight": weight,
        "size": f"{weight.bytes / 1e6:.0f} MB",
        "status": status,
        "use_key": f"file_use.{weight.name}",
        "state_key": f"file.{status.state}",
    }


def _now() -> dict[str, Any]:
    return {"files": [{"name": weight.name, **_build_item(_read(weight))} for weight in WEIGHTS]}


def _build_item(status: FileStatus) -> dict[str, Any]:
    return {
        "state": status.state,
        "percent": status.percent,
        "error": status.error,
        "may_ask": status.may_ask,
        "is_coming": status.is_coming,
    }


def _read(weight: Weight) -> FileStatus:
    return read_status(weight, _folder())


def _folder() -> Path:
    folder: Path = settings.FOOTLIGHT.data_dir / "weights"
    return folder
