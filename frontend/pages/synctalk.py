"""The HTTP API of SyncTalk_2D, shape for shape (docs/engines/synctalk-2d.md, section On air)."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import logging
from dataclasses import dataclass
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from avatar_engine.clips.wire import FEWEST_SIDE_PX, MOST_CLIP_S, MOST_SIDE_PX
from avatar_engine.errors import ClipError
from avatar_engine.timing import SAMPLE_RATE_HZ
from avatar_engine.types import Int16
from avatar_engine.voice.language import detect_language
from frontend.clip_debug import DebugConfig, build_wav
from frontend.clip_desk import ClipFailed
from frontend.clip_service import BOUNDARY, ClipService, Look
from frontend.pages.api_access import AsyncView, build_error, operators_only
from frontend.pages.context import render_page
from frontend.pages.staff import staff_only
from frontend.strings import find_language, load_strings

log = logging.getLogger(__name__)

MOST_TEXT = 1000
FEWEST_FILE_BYTES = 1024
MOST_DURATION_S = 3600.0
DEFAULT_SIDE_PX = 512
FALLBACK_SAMPLES = 50
HEALTH_TEXT = "test"
STREAM = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
STATUS = {"busy": 503, "no_render": 503, "no_stage": 503, "lost": 503, "timeout": 504, "too_long": 413}
"""Of failures that are not a defect here; all others are 500."""


class BadRequest(Exception):
    """A request that says something impossible, or that this process cannot answer."""

    def __init__(self, error: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.response = build_error(status, error, message)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for."""

    text: str
    language: str
    look: Look


def explained(view: AsyncView) -> AsyncView:
    """What goes wrong on the way to an answer becomes one."""

    @functools.wraps(view)
    async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return await view(request, *args, **kwargs)
        except BadRequest as error:
            return error.response
        except ClipFailed as error:
            return _explain(request, error)

    return answer


@require_safe
@staff_only
def panel(request: HttpRequest) -> HttpResponse:
    """The page that tries the API."""
    return render_page(request, "console/synctalk.html", {"most_text": MOST_TEXT})


@require_http_methods(["GET", "POST"])
@operators_only
@explained
async def generate(request: HttpRequest) -> HttpResponseBase:
    """A text, spoken: the presenter at rest, then 25 pictures a second."""
    wish = _read_wish(request, _read_json(request).get("text") if request.method == "POST" else None)
    pcm = await _service(request).speak(wish.text, wish.language)
    return await _stream(request, wish.look, pcm)


@require_http_methods(["GET", "POST"])
@operators_only
@explained
async def generate_from_audio(request: HttpRequest) -> HttpResponseBase:
    """A recording, spoken; without one, the presenter at rest."""
    look = _read_look(request)
    pcm = await _read_upload(request) if request.method == "POST" else None
    return await _stream(request, look, pcm)


@require_GET
@operators_only
@explained
async def avatar(request: HttpRequest) -> HttpResponseBase:
    """The presenter at rest, one part."""
    return await _stream(request, _read_look(request), None)


@require_GET
@never_cache
@operators_only
@explained
async def tts_audio(request: HttpRequest) -> HttpResponseBase:
    """The sound that `generate` shows for the same text: WAV, 48 kHz mono 16 bit."""
    wish = _read_wish(request)
    pcm = await _service(request).speak(wish.text, wish.language)
    response = HttpResponse(build_wav(pcm), content_type="audio/wav")
    response["X-Audio-Duration"] = f"{len(pcm) / SAMPLE_RATE_HZ:.3f}"
    response["Content-Disposition"] = 'attachment; filename="tts_audio.wav"'
    return response


@require_GET
@never_cache
@operators_only
@explained
async def health(request: HttpRequest) -> HttpResponseBase:
    """Whether a word can be spoken and a picture drawn. Both are tried, at most once a minute; 503 where not."""
    service = _service(request)
    tts, model = await asyncio.gather(_check_voice(service), _check_model(service))
    status = "ok" if (tts, model) == ("ok", "ok") else "degraded"
    body = {"status": status, "services": {"tts": tts, "model": model}}
    return JsonResponse(body, status=200 if status == "ok" else 503)


@require_GET
@never_cache
@operators_only
@explained
async def debug_status(request: HttpRequest) -> HttpResponseBase:
    """What is kept of clips, and where."""
    return JsonResponse(await asyncio.to_thread(_service(request).debug.describe))


@require_http_methods(["POST"])
@operators_only
@explained
async def debug_config(request: HttpRequest) -> HttpResponseBase:
    """Choose what is kept."""
    debug = _service(request).debug
    try:
        config = DebugConfig.parse(_read_json(request))
        await asyncio.to_thread(debug.write, config)
    except ValueError as error:
        return build_error(400, "bad_config", str(error))
    except OSError as error:
        return build_error(507, "not_kept", f"The choice could not be written: {error.strerror}.")
    return JsonResponse(await asyncio.to_thread(debug.describe))


async def _stream(request: HttpRequest, look: Look, pcm: Int16 | None) -> HttpResponseBase:
    """The pictures as an answer. The first is drawn before the answer begins, so that a failure has its status."""
    service = _service(request)
    still = await service.show_still(look)
    parts = service.stream(look, pcm) if pcm is not None else service.stream_still(still)
    response = StreamingHttpResponse(parts, content_type=STREAM)
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _service(request: HttpRequest) -> ClipService:
    service: ClipService | None = getattr(request, "scope", {}).get("footlight.clips")
    if service is None:
        raise BadRequest("no_service", "This process makes no clips.", 503)
    return service


def _read_wish(request: HttpRequest, text: object = None) -> Wish:
    text = request.GET.get("text") if text is None else text
    if not isinstance(text, str) or not text.strip():
        raise BadRequest("no_text", "`text` is missing or empty.")
    if len(text) > MOST_TEXT:
        raise BadRequest("too_long", f"`text` has {len(text)} characters; the most is {MOST_TEXT}.")
    _check_duration(request.GET.get("duration", "0"))
    language = request.GET.get("language") or detect_language(text)
    if not (2 <= len(language) <= 3 and language.isalpha() and language.isascii()):
        raise BadRequest("bad_language", "`language` is a primary tag such as en or zh.")
    return Wish(text.strip(), language.lower(), _read_look(request))


def _check_duration(text: str) -> None:
    """Clients of the original send how long the sound is; here it is known. What is no number is still refused."""
    try:
        duration_s = float(text)
    except ValueError:
        duration_s = -1.0
    if not 0 <= duration_s <= MOST_DURATION_S:
        raise BadRequest("bad_duration", "`duration` is a number of seconds.")


def _read_look(request: HttpRequest) -> Look:
    name = request.GET.get("avatar", "")
    if len(name) > 64 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise BadRequest("bad_avatar", "`avatar` is the name of an avatar.")
    return Look(name, _read_side(request, "width"), _read_side(request, "height"))


def _read_side(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, str(DEFAULT_SIDE_PX))
    if not (text.isascii() and text.isdecimal() and FEWEST_SIDE_PX <= int(text[:9]) <= MOST_SIDE_PX):
        raise BadRequest("bad_size", f"`{name}` is {FEWEST_SIDE_PX} to {MOST_SIDE_PX} pixels.")
    return int(text)


def _read_json(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("bad_json", "The body is no JSON.") from error
    if not isinstance(body, dict):
        raise BadRequest("bad_json", "The body is no JSON object.")
    return cast("dict[str, Any]", body)


async def _read_upload(request: HttpRequest) -> Int16:
    """The sound of the field `audio_file`, int16[n] mono 48 kHz."""
    files = await sync_to_async(lambda: request.FILES)()
    file = files.get("audio_file")
    if not isinstance(file, UploadedFile):
        raise BadRequest("no_file", "The multipart field `audio_file` is missing.")
    if not str(file.name).lower().endswith(".wav"):
        raise BadRequest("bad_file", "`audio_file` must be a .wav file.")
    if (file.size or 0) < FEWEST_FILE_BYTES:
        raise BadRequest("bad_file", f"`audio_file` has under {FEWEST_FILE_BYTES} bytes, so there is no sound in it.")
    # Here and not above: few ever send a file, and web need not hold what decodes it.
    from avatar_engine.clips.sound import read_sound

    data = io.BytesIO(await asyncio.to_thread(file.read))
    try:
        return await asyncio.to_thread(read_sound, data, MOST_CLIP_S)
    except ClipError as error:
        raise BadRequest("bad_file", f"`audio_file`: {error}.") from error


def _explain(request: HttpRequest, error: ClipFailed) -> HttpResponseBase:
    texts = load_strings(find_language(getattr(request, "LANGUAGE_CODE", None)))
    key = f"clip_error.{error.reason}"
    message = error.detail or texts.text(key if key in texts.table else "clip_error.failed")
    response = build_error(STATUS.get(error.reason, 500), error.reason, message)
    if error.reason == "busy":
        response["Retry-After"] = "5"
    return response


async def _check_voice(service: ClipService) -> str:
    """ok, fallback (nothing that can be heard) or error."""
    try:
        pcm = await service.speak(HEALTH_TEXT, "en")
    except ClipFailed as error:
        return "fallback" if error.reason == "no_voice" else "error"
    return "ok" if len(pcm) >= FALLBACK_SAMPLES else "fallback"


async def _check_model(service: ClipService) -> str:
    try:
        await service.show_still(Look("", DEFAULT_SIDE_PX, DEFAULT_SIDE_PX))
    except ClipFailed:
        return "error"
    return "ok"
