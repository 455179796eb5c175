"""The form of a new room."""

from __future__ import annotations

from django import forms

from chat.models import Room

MOST_IDLE_LINES = 20


class IdleLinesField(forms.CharField):
    """Text with one idle line a line; cleans to a list of them."""

    widget = forms.Textarea

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]  # the row holds a list
        lines = (line.strip() for line in str(value or "").splitlines())
        return [line for line in lines if line][:MOST_IDLE_LINES]

    def validate(self, value: object) -> None:
        """Nothing is required and any line may be said."""

    def run_validators(self, value: object) -> None:
        """The checks of a CharField are for text, not for a list."""


class RoomForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What an operator chooses; everything else of a room has a good default."""

    idle_lines = IdleLinesField(required=False)

    class Meta:
        model = Room
        fields = ["title", "slug", "persona_name", "language", "system_prompt", "greeting", "idle_lines"]
        widgets = {
            "system_prompt": forms.Textarea,
            "greeting": forms.Textarea,
        }
