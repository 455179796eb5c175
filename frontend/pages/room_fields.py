"""Form fields of a room that hold more than one value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from avatar_engine.voice.config import list_plain_voices
from frontend.strings import Strings

MOST_IDLE_LINES = 20
OTHER_SIZE = "other"
SIZES = {"square": (512, 512), "wide": (960, 540), "wide_large": (1280, 720), "tall": (540, 960)}
"""Width and height in pixels by the name of a choice."""
DEFAULT_SIZE = "wide"


def find_size(width: int, height: int) -> str:
    """The name of a picture size, or `OTHER_SIZE`."""
    return next((name for name, size in SIZES.items() if size == (width, height)), OTHER_SIZE)


class IdleLinesField(forms.CharField):
    """Text with one idle line a line; cleans to a list of them."""

    widget = forms.Textarea

    def prepare_value(self, value: object) -> object:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]  # the row holds a list
        lines = (line.strip() for line in str(value or "").splitlines())
        return [line for line in lines if line][:MOST_IDLE_LINES]

    def validate(self, value: object) -> None:
        """Nothing is required and any line may be said."""

    def run_validators(self, value: object) -> None:
        """The checks of a CharField are for text, not for a list."""


class VoicesField(forms.MultipleChoiceField):
    """Voices in the order of preference, from one select for each place; empty places count for nothing.

    A voice with options is chosen as a whole, as JSON; the choices hold those that the room has already.
    """

    def __init__(self, *, strings: Strings, kept: Sequence[str | dict[str, Any]] = (), **options: Any) -> None:
        choices = [(name, f"voice.{name}") for name in list_plain_voices()]
        choices += [(_write(entry), f"voice.{entry['voice']}") for entry in kept if isinstance(entry, dict)]
        super().__init__(choices=choices, required=False, **options)
        self._twice = strings.text("form.voice_twice")

    def prepare_value(self, value: Any) -> Any:
        return [_write(entry) for entry in value or []]

    def clean(self, value: object) -> list[str | dict[str, Any]]:
        return [json.loads(text) if text.startswith("{") else text for text in super().clean(value)]

    def to_python(self, value: object) -> list[str]:
        return [text for text in super().to_python(value) if text]

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if len(set(value)) < len(value):
            raise ValidationError(self._twice, code="twice")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return [_write(entry) for entry in initial or []] != [text for text in data or [] if text]  # the order counts


def _write(entry: str | dict[str, Any]) -> str:
    return entry if isinstance(entry, str) else json.dumps(entry, sort_keys=True, ensure_ascii=False)


class EndpointsField(forms.CharField):
    """A room's language-model endpoints as JSON; cleans to a list of objects that `chat.llm.registry` accepts."""

    widget = forms.Textarea

    def __init__(self, *, strings: Strings, **options: Any) -> None:
        super().__init__(required=False, **options)
        self._strings = strings

    def prepare_value(self, value: object) -> object:
        if isinstance(value, list):
            return json.dumps(value, ensure_ascii=False, indent=2) if value else ""
        return value

    def to_python(self, value: object) -> list[dict[str, Any]]:  # type: ignore[override]  # the row holds a list
        # Here and not above: it brings the client of language models, which pages have no other use for.
        from chat.llm.registry import EndpointError, check_endpoints

        text = str(value or "").strip()
        try:
            endpoints = json.loads(text) if text else []
            check_endpoints(endpoints)
        except json.JSONDecodeError as error:
            place = {"line": error.lineno, "column": error.colno, "what": error.msg}
            raise ValidationError(self._strings.text("form.endpoints_json", place), code="json") from error
        except EndpointError as error:
            detail = self._strings.text("form.endpoints_wrong", {"what": error})
            raise ValidationError(detail, code="endpoints") from error
        return list(endpoints)

    def validate(self, value: object) -> None:
        """Checked when it was read."""

    def run_validators(self, value: object) -> None:
        """As above."""
