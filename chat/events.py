"""What travels on the chat socket (docs/wire-protocol.md, section 4): groups, checks of what comes in."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from typing import Any

STAGES_GROUP = "stages"
MAX_TEXT = 500
MAX_NAME = 40
MAX_FRAME_BYTES = 4096
MAX_CLIENT_ID = 64
JOINERS = "\u200c\u200d"


class BadEvent(ValueError):
    """A frame from a page that is not an event. `reason` is a code from the strings files."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PageEvent:
    """A checked event from a page. Fields that its type does not use are empty."""

    type: str
    client_id: str = ""
    text: str = ""
    name: str = ""
    language: str = ""


def room_group(slug: str) -> str:
    """Name of the channel-layer group of a room's chat sockets."""
    return f"room.{slug}"


def parse_event(data: str) -> PageEvent:
    """Check a frame from a page. Raises `BadEvent`."""
    if len(data.encode("utf-8", "surrogatepass")) > MAX_FRAME_BYTES:
        raise BadEvent("too_large")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadEvent("not_json") from error
    if not isinstance(value, dict):
        raise BadEvent("not_an_object")
    kind = value.get("type")
    if kind == "message":
        return PageEvent("message", client_id=_read_client_id(value), text=clean_text(_read(value, "text")))
    if kind in ("hello", "rename"):
        name = clean_name(_read(value, "name"))
        return PageEvent(kind, name=name, language=clean_text(_read(value, "language"))[:8])
    if kind == "ping":
        return PageEvent("ping")
    raise BadEvent("unknown_type")


def _read(value: dict[str, Any], key: str) -> str:
    text = value.get(key, "")
    if not isinstance(text, str):
        raise BadEvent("bad_field")
    return text


def _read_client_id(value: dict[str, Any]) -> str:
    client_id = _read(value, "client_id")
    if not client_id or len(client_id) > MAX_CLIENT_ID or not client_id.isascii() or not client_id.isprintable():
        raise BadEvent("bad_client_id")
    return client_id


def clean_text(text: str) -> str:
    """`text` without control, surrogate and invisible format characters; white space runs become one space.

    The zero-width joiners stay: emoji and some scripts are written with them.
    """
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") else c for c in text)
    kept = "".join(c for c in kept if unicodedata.category(c) != "Cf" or c in JOINERS)
    return " ".join(kept.split())


def clean_name(text: str) -> str:
    """A display name: cleaned and at most 40 characters."""
    return clean_text(text)[:MAX_NAME]
