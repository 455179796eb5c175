"""The avatars: what was prepared from which video, how far the others are, and why some were refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from avatar_engine import selectors, services
from avatar_engine.errors import PreparationError
from avatar_engine.models import Preparation
from frontend.pages.context import render_page
from frontend.pages.staff import staff_only, wants_json

FIGURES = (
    *(("seconds", "{:.0f} s"), ("face_px", "{:.0f} px"), ("face_share", "{:.1%}"), ("second_face_share", "{:.1%}")),
    *(("sharpness", "{:.0f}"), ("brightness", "{:.0f}"), ("turned_share", "{:.1%}"), ("fast_share", "{:.1%}")),
    *(("speech_share", "{:.0%}"), ("speech_db", "{:.0f} dB"), ("noise_db", "{:.0f} dB"), ("clipped_share", "{:.2%}")),
)
"""Which figures of a report are shown, in order, and how."""


@require_safe
@staff_only
def avatars(request: HttpRequest) -> HttpResponse:
    """Every avatar with its latest preparation."""
    rows = [_build_row(preparation) for preparation in selectors.list_latest_preparations()]
    return render_page(request, "console/avatars.html", {"rows": rows})


@require_safe
@staff_only
def avatars_now(request: HttpRequest) -> HttpResponse:
    """How far they are, as JSON; the page asks again and again."""
    return JsonResponse(_now())


@require_POST
@staff_only
def prepare_again(request: HttpRequest, name: str) -> HttpResponse:
    """Have a preparation that was refused or failed done again, by the worker. Does nothing to one under way."""
    preparation = selectors.get_latest_preparation(name)
    if preparation is None:
        raise Http404
    if _may_ask(preparation) and not Path(preparation.source_path).is_file():
        return _complain(request, "avatar_source_gone")
    if _may_ask(preparation):
        try:
            services.order_again(preparation)
        except PreparationError:
            return _complain(request, "unknown")
    return JsonResponse(_now()) if wants_json(request) else redirect("frontend:console-avatars")


def _complain(request: HttpRequest, reason: str) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"reason": reason}, status=422)
    messages.error(request, f"reason.{reason}")
    return redirect("frontend:console-avatars")


def _build_row(preparation: Preparation) -> dict[str, Any]:
    figures = preparation.report.get("figures", {})
    item = _build_item(preparation)
    return {
        **item,
        "avatar": preparation.avatar,
        "preparation": preparation,
        "source": Path(preparation.source_path).name,
        "state_key": f"avatar.{item['state']}",
        "step_key": f"prepare.{preparation.step or 'look'}",
        "may_ask": _may_ask(preparation),
        "reasons": [
            {"key": f"prepare_reason.{reason['code']}", "values": reason["values"], "refuses": reason["refuses"]}
            for reason in preparation.report.get("reasons", [])
        ],
        "figures": [
            (f"prepare_figure.{name}", shape.format(figures[name])) for name, shape in FIGURES if name in figures
        ],
    }


def _now() -> dict[str, Any]:
    return {"avatars": [_build_item(preparation) for preparation in selectors.list_latest_preparations()]}


def _build_item(preparation: Preparation) -> dict[str, Any]:
    running = preparation.state == Preparation.State.RUNNING
    lost = running and (preparation.lease_expires_at is None or preparation.lease_expires_at < timezone.now())
    return {
        "name": preparation.avatar.name,
        "state": "lost" if lost else str(preparation.state),
        "step": preparation.step or "look",
        "percent": preparation.percent,
        "is_moving": running and not lost,
    }


def _may_ask(preparation: Preparation) -> bool:
    return preparation.state in (Preparation.State.REFUSED, Preparation.State.FAILED)
