"""The training of one avatar: how far it is, its curves and pictures, and buttons to begin and to stop it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from avatar_engine import training_desk
from avatar_engine.errors import AvatarFolderError
from frontend.pages.context import render_page
from frontend.pages.staff import staff_only, wants_json

log = logging.getLogger(__name__)


@require_safe
@staff_only
def training(request: HttpRequest, name: str) -> HttpResponse:
    """The page of one avatar."""
    avatar = _get_avatar_or_404(name)
    status = training_desk.read_status(avatar)
    context = {
        "name": name,
        "status": status,
        "state_key": f"training_state.{status.view}",
        "nets": [(net, f"training_net.{net}") for net in training_desk.NET_NAMES],
        "chosen_net": training_desk.read_net(avatar),
        "samples": training_desk.list_samples(avatar)[::-1],
    }
    return render_page(request, "console/training.html", context)


@require_safe
@staff_only
def training_now(request: HttpRequest, name: str) -> HttpResponse:
    """State, curves and steps of the pictures as JSON; the page asks again and again."""
    return JsonResponse(_now(_get_avatar_or_404(name)))


@require_safe
@staff_only
def training_sample(request: HttpRequest, name: str, step: int) -> HttpResponse:
    """A sheet of pictures: a row per held-out frame with reference, what was hidden, what was drawn, and the truth."""
    path = training_desk.sample_path(_get_avatar_or_404(name), step)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise Http404 from error
    return HttpResponse(content, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@require_POST
@staff_only
def start_training(request: HttpRequest, name: str) -> HttpResponse:
    """Have the worker train the avatar, or go on. Does nothing to one under way."""
    avatar = _get_avatar_or_404(name)
    if not training_desk.has_sound(avatar):
        return _complain(request, name, "training_silent")
    net = request.POST.get("net", "328")
    if net not in training_desk.NET_NAMES:
        return _complain(request, name, "unknown")
    if training_desk.read_status(avatar).may_start:
        training_desk.ask_training(avatar, net)
        if not _wake_worker():
            training_desk.drop_wish(avatar)
            return _complain(request, name, "no_worker")
    return _answer(request, name, avatar)


@require_POST
@staff_only
def stop_training(request: HttpRequest, name: str) -> HttpResponse:
    """End it after its present step. What was learnt stays, and the best of it becomes the avatar's network."""
    avatar = _get_avatar_or_404(name)
    training_desk.stop_training(avatar)
    return _answer(request, name, avatar)


def _get_avatar_or_404(name: str) -> Path:
    try:
        avatar = training_desk.find_avatar(settings.FOOTLIGHT.data_dir / "avatars", name)
    except AvatarFolderError as error:
        raise Http404 from error
    if avatar is None:
        raise Http404
    return avatar


def _wake_worker() -> bool:
    """Have the worker look for wishes now; False where the broker does not take it."""
    # Here and not above: web sends this task rarely, and Celery would cost every start of the process.
    from kombu.exceptions import OperationalError

    from avatar_engine.tasks import train_avatars

    try:
        train_avatars.apply_async(retry=False)
    except OperationalError:
        log.exception("the broker did not take the wish for a training")
        return False
    return True


def _now(avatar: Path) -> dict[str, Any]:
    status = training_desk.read_status(avatar)
    return {
        "state": status.view,
        "step": status.step,
        "steps": status.steps,
        "seconds_left": status.seconds_left,
        "seconds_per_step": status.seconds_per_step,
        "best": status.best,
        "best_step": status.best_step,
        "batch": status.batch,
        "error": status.error,
        "may_start": status.may_start,
        "may_stop": status.may_stop,
        "is_running": status.is_running,
        "curves": training_desk.read_curves(avatar),
        "samples": training_desk.list_samples(avatar),
    }


def _answer(request: HttpRequest, name: str, avatar: Path) -> HttpResponse:
    return JsonResponse(_now(avatar)) if wants_json(request) else redirect("frontend:console-training", name)


def _complain(request: HttpRequest, name: str, reason: str) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"reason": reason}, status=422)
    messages.error(request, f"reason.{reason}")
    return redirect("frontend:console-training", name)
