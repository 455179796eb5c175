"""The operator's rooms. Everyone here is logged in and staff; every change is a POST through chat.services."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chat import air_override, selectors, services
from chat.models import Room, Turn
from frontend.pages.context import render_page
from frontend.pages.latency import build_latency
from frontend.pages.staff import get_room_or_404, staff_only, wants_json
from frontend.pages.viewers import count_viewers

TURNS_SHOWN = 30


@require_safe
@staff_only
def rooms(request: HttpRequest) -> HttpResponse:
    """All rooms with their switches."""
    return render_page(request, "console/rooms.html", {"rooms": count_viewers(request, Room.objects.all())})


@require_safe
@staff_only
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """The control room: the live picture, what to say, what was said."""
    found = get_room_or_404(slug)
    context = {
        "room": found,
        "now": json.dumps(_now(found), ensure_ascii=False),
        "max_line": services.MAX_OPERATOR_LINE,
        **_build_gate(found),
    }
    return render_page(request, "console/room.html", context)


@require_safe
@staff_only
def room_now(request: HttpRequest, slug: str) -> HttpResponse:
    """What the control room shows, as JSON; the page asks again and again."""
    return JsonResponse(_now(get_room_or_404(slug)))


@require_POST
@staff_only
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the room on air; `override` is why the operator signs for an avatar that has not passed its test."""
    operator, override = request.user.get_username(), request.POST.get("override", "")
    return _change(request, slug, lambda room: services.start_room(room, operator, override))


@require_POST
@staff_only
def stop(request: HttpRequest, slug: str) -> HttpResponse:
    """End the show."""
    return _change(request, slug, services.stop_room)


@require_POST
@staff_only
def say(request: HttpRequest, slug: str) -> HttpResponse:
    """Say a line word for word, before anything else."""
    text = request.POST.get("text", "")
    return _change(request, slug, lambda room: services.say_now(room, text))


@require_POST
@staff_only
def interrupt(request: HttpRequest, slug: str) -> HttpResponse:
    """Stop what is being said."""
    return _change(request, slug, services.interrupt)


@require_safe
@staff_only
def turn(request: HttpRequest, turn_id: int) -> HttpResponse:
    """One turn: what was asked, sent to the model, written, voiced and heard, and when."""
    found = selectors.turn_detail(turn_id)
    if found is None:
        raise Http404
    context = {
        "turn": found,
        "kind_key": f"kind.{found.kind}",
        "state_key": f"turn.{found.state}",
        "sentences": [(sentence, f"sentence.{sentence.state}") for sentence in found.sentences.all()],
        "latency": build_latency(found.stamps),
        "happened": [json.dumps(entry, ensure_ascii=False) for entry in found.happened],
    }
    return render_page(request, "console/turn.html", context)


def _change(request: HttpRequest, slug: str, act: Callable[[Room], object]) -> HttpResponse:
    """Do `act`, wake the stage, and answer the page's script with JSON or a plain form with a redirect."""
    room = get_room_or_404(slug)
    for_script = wants_json(request)
    try:
        act(room)
    except services.ServiceError as error:
        if for_script:
            return JsonResponse({"reason": error.reason}, status=422)
        return redirect("frontend:console-room", slug=slug)
    async_to_sync(services.nudge_stages)(slug)
    if for_script:
        return JsonResponse(_now(room))
    if request.POST.get("from") == "rooms":
        return redirect("frontend:console")
    return redirect("frontend:console-room", slug=slug)


def _build_gate(room: Room) -> dict[str, Any]:
    """What the page says of an avatar that has not passed its test, and who has signed for it."""
    gate = air_override.read_gate(room)
    shown = [
        (f"reason.avatar_{short.code}", f"{short.value or 0:.2f}", f"{short.limit or 0:.2f}")
        for short in gate.shortfalls
    ]
    signed = None if gate.passes else air_override.find_override(room, gate)
    return {"gate": shown, "signed": signed, "max_reason": air_override.MOST_REASON}


def _now(room: Room) -> dict[str, Any]:
    room.refresh_from_db(fields=["is_on_air", "lease_expires_at"])
    turns = selectors.list_turns(room, TURNS_SHOWN)
    _, question = selectors.get_question(room)
    return {
        "on_air": room.is_on_air,
        "state": _state(room, turns),
        "question": question,
        "turns": [_turn_row(turn) for turn in turns],
    }


def _state(room: Room, turns: list[Turn]) -> str:
    if not room.is_on_air:
        return "off_air"
    if not selectors.is_leased(room):
        return "starting"
    running = next((turn for turn in turns if turn.state == Turn.State.RUNNING), None)
    if running is None:
        return "idle"
    return "speaking" if "first_sound" in running.stamps else "thinking"


def _turn_row(turn: Turn) -> dict[str, Any]:
    line = build_latency(turn.stamps)
    return {
        "id": turn.pk,
        "url": reverse("frontend:console-turn", args=[turn.pk]),
        "kind": turn.kind,
        "state": turn.state,
        "question": turn.message.text if turn.message else "",
        "asked_by": turn.message.display_name if turn.message else "",
        "text": turn.heard or turn.text,
        "at": turn.created_at.isoformat(),
        "total_ms": line.total_ms if line else None,
        "spans": [span.to_item() for span in line.spans] if line else [],
    }
