"""Trying voices: an operator chooses who says what, the worker makes the sound, and the page plays and measures it."""

from __future__ import annotations

import logging
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from avatar_engine.errors import VoiceConfigError
from avatar_engine.voice.options import FASTEST, SLOWEST
from avatar_engine.voice.samples import SAMPLES
from avatar_engine.voice.speakers import Entry, Speaker, list_speakers, set_rate
from avatar_engine.voice.trial_folder import LIMIT_S, MOST_TEXT, Trial, TrialFolder
from chat import selectors
from chat.models import Room
from frontend.pages.context import render_page
from frontend.pages.staff import staff_only, wants_json

log = logging.getLogger(__name__)

PLACES = 2
"""Voices that are compared side by side."""


class TrialRefused(ValueError):
    """A wish that cannot be passed on. `reason` is a code from the strings files."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@require_safe
@staff_only
def voices(request: HttpRequest) -> HttpResponse:
    """The form, and what came of the tries that the address names."""
    found = _read_trials(request)
    context = {
        "voices": _group(_list_speakers()),
        "languages_of_rooms": Room.Language.choices,
        "samples": [(language, text) for language, texts in SAMPLES.items() for text in texts],
        "text": SAMPLES["en"][0],
        "most_text": MOST_TEXT,
        "slowest": SLOWEST,
        "fastest": FASTEST,
        "places": [_build_item(found[place]) if place < len(found) else None for place in range(PLACES)],
    }
    return render_page(request, "console/voices.html", context)


@require_safe
@staff_only
def trials_now(request: HttpRequest) -> HttpResponse:
    """The tries that the address names, as JSON; the page asks again and again while one is not over."""
    return JsonResponse({"trials": [_build_item(trial) for trial in _read_trials(request)]})


@require_POST
@staff_only
def try_voices(request: HttpRequest) -> HttpResponse:
    """Have the worker say a text with one voice, or with two, one after the other."""
    try:
        trials = _ask(request)
    except TrialRefused as error:
        if wants_json(request):
            return JsonResponse({"reason": error.reason}, status=422)
        messages.error(request, f"reason.{error.reason}")
        return redirect("frontend:console-voices")
    if wants_json(request):
        return JsonResponse({"trials": [_build_item(trial) for trial in trials]})
    query = urlencode([("trial", trial.id) for trial in trials])
    return redirect(f"{reverse('frontend:console-voices')}?{query}")


@require_safe
@staff_only
def trial_sound(request: HttpRequest, trial_id: str) -> HttpResponse:
    """What was said, a WAV file."""
    folder = _folder()
    trial = folder.read(trial_id)
    if trial is None or trial.state != "done":
        raise Http404
    try:
        sound = folder.sound_path(trial.id).read_bytes()
    except FileNotFoundError as error:
        raise Http404 from error
    return HttpResponse(sound, content_type="audio/wav", headers={"Cache-Control": "private, max-age=600"})


def _ask(request: HttpRequest) -> list[Trial]:
    text = request.POST.get("text", "").strip()
    language = request.POST.get("language", "")
    wanted = [key for key in request.POST.getlist("voice")[:PLACES] if key]
    if not text:
        raise TrialRefused("empty")
    if len(text) > MOST_TEXT:
        raise TrialRefused("too_long")
    known = {speaker.key: speaker for speaker in _list_speakers()}
    if not wanted or language not in Room.Language.values or not all(key in known for key in wanted):
        raise TrialRefused("no_such_voice")
    folder = _folder()
    chosen = [(known[key], _with_rate(known[key], request.POST.get("rate", "1"))) for key in wanted]
    return [_pass_on(folder, folder.ask(entry, speaker.name, language, text)) for speaker, entry in chosen]


def _with_rate(speaker: Speaker, text: str) -> Entry:
    try:
        return set_rate(speaker.entry, float(text))
    except (ValueError, VoiceConfigError) as error:
        raise TrialRefused("wrong_rate") from error


def _pass_on(folder: TrialFolder, trial: Trial) -> Trial:
    # Here and not above: Celery would cost every start of the web process.
    from kombu.exceptions import OperationalError

    from avatar_engine.tasks import try_voice

    try:
        try_voice.apply_async([trial.id], retry=False, expires=10 * LIMIT_S)
    except OperationalError as error:
        log.exception("the broker did not take the wish to hear %s", trial.voice)
        folder.drop(trial.id)
        raise TrialRefused("no_worker") from error
    return trial


def _list_speakers() -> list[Speaker]:
    return list_speakers(_data_dir(), selectors.list_voice_entries())


def _group(speakers: list[Speaker]) -> list[dict[str, Any]]:
    """Speakers by voice, with the key of the voice's name."""
    return [
        {"key": f"voice.{voice}", "speakers": [{"key": one.key, "name": one.name} for one in of_voice]}
        for voice, of_voice in groupby(speakers, key=lambda speaker: speaker.voice)
    ]


def _read_trials(request: HttpRequest) -> list[Trial]:
    folder = _folder()
    asked = (folder.read(trial_id) for trial_id in request.GET.getlist("trial")[:PLACES])
    return [trial for trial in asked if trial is not None]


def _build_item(trial: Trial) -> dict[str, Any]:
    figures = trial.figures
    return {
        "id": trial.id,
        "voice_key": f"voice.{trial.voice}",
        "speaker": trial.speaker,
        "text": trial.text,
        "state": trial.state,
        "state_key": f"trial.{trial.state}",
        "is_over": trial.is_over,
        "reason_key": f"trial_reason.{trial.reason}" if trial.reason else "",
        "detail": trial.detail,
        "card": {**asdict(trial.card), "languages": " ".join(trial.card.languages)} if trial.card else None,
        "figures": {
            "first_sound": f"{figures.first_sound_ms:.0f} ms",
            "realtime": f"{figures.realtime:.2f}",
            "sound": f"{figures.sound_s:.1f} s",
            "load": f"{figures.load_ms / 1000:.1f} s",
        }
        if figures
        else None,
        "sound_url": reverse("frontend:console-sound", args=[trial.id]) if trial.state == "done" else "",
    }


def _folder() -> TrialFolder:
    return TrialFolder(_data_dir())


def _data_dir() -> Path:
    folder: Path = settings.FOOTLIGHT.data_dir
    return folder
