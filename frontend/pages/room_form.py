"""The forms of a new room and of one that exists."""

from __future__ import annotations

from typing import Any

from django import forms

from avatar_engine.lipsync.registry import ENGINES
from avatar_engine.selectors import list_avatars
from avatar_engine.voice.config import MOST_VOICES
from chat.models import Room
from frontend.pages.room_fields import (
    DEFAULT_SIZE,
    OTHER_SIZE,
    SIZES,
    EndpointsField,
    IdleLinesField,
    VoicesField,
    find_size,
)
from frontend.strings import Strings

NEXT_SHOW_FIELDS = frozenset({"size", "engine", "avatar", "voices", "llm"})
"""What a stage process reads when it takes a room; everything else it reads before each turn."""


class RoomForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What an operator chooses for a new room; everything else of it has a good default.

    The names of sizes, engines and voices are keys of the strings files: the page can switch its language.
    """

    idle_lines = IdleLinesField(required=False)
    size = forms.ChoiceField()

    class Meta:
        model = Room
        fields = ["title", "slug", "persona_name", "language", "system_prompt", "greeting", "idle_lines"]
        widgets = {"system_prompt": forms.Textarea, "greeting": forms.Textarea}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sizes = list(SIZES)
        self.initial["size"] = DEFAULT_SIZE
        if self.instance.pk:
            self.initial["size"] = find_size(self.instance.width, self.instance.height)
            if self.initial["size"] == OTHER_SIZE:
                sizes.append(OTHER_SIZE)
        self.fields["size"].choices = [(name, f"size.{name}") for name in sizes]  # type: ignore[attr-defined]

    def list_columns(self) -> dict[str, Any]:
        """The values of a valid form by column of the room."""
        columns = {name: value for name, value in self.cleaned_data.items() if name != "size"}
        if self.cleaned_data["size"] != OTHER_SIZE:
            columns["width"], columns["height"] = SIZES[self.cleaned_data["size"]]
        return columns


class RoomSettingsForm(RoomForm):
    """All that an operator may change of a room."""

    engine = forms.ChoiceField()
    avatar = forms.ChoiceField(required=False)

    class Meta(RoomForm.Meta):
        fields = [
            *RoomForm.Meta.fields,
            *("description", "is_listed", "boundaries", "disclosure", "idle_after_s", "engine", "avatar"),
        ]
        widgets = {**RoomForm.Meta.widgets, "boundaries": forms.Textarea}

    def __init__(self, *args: Any, strings: Strings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["engine"].choices = [(name, f"engine.{name}") for name in ENGINES]  # type: ignore[attr-defined]
        self._families = dict(list_avatars().values_list("name", "family"))
        self._strings = strings
        names = sorted({*self._families, *filter(None, [self.instance.avatar])})
        self.fields["avatar"].choices = [  # type: ignore[attr-defined]
            ("", strings.text("edit.avatar_shipped")),
            *((name, name) for name in names),
        ]
        self.fields["voices"] = VoicesField(strings=strings, kept=self.instance.voices)
        self.fields["llm"] = EndpointsField(strings=strings)
        self.initial.update(voices=self.instance.voices, llm=self.instance.llm)
        # Viewers, stage and render know a room on air by its address.
        self.fields["slug"].disabled = self.instance.is_on_air
        # An avatar must pass its test, and that is asked when a room goes on air.
        self.fields["avatar"].disabled = self.instance.is_on_air

    def clean(self) -> dict[str, Any]:
        """An avatar is of one family and can be shown by no other."""
        cleaned = super().clean() or self.cleaned_data
        avatar, engine = cleaned.get("avatar"), cleaned.get("engine")
        if avatar and engine and self._families.get(avatar, engine) != engine:
            self.add_error("avatar", self._strings.text("form.avatar_family", {"name": avatar}))
        return cleaned

    @property
    def voice_places(self) -> list[str]:
        """The chosen voice of each place in order; "" for a place that is free."""
        chosen = [name for name in self["voices"].value() or [] if name]
        return [*chosen, *[""] * (MOST_VOICES - len(chosen))]

    @property
    def waits_for_next_show(self) -> bool:
        """Whether something was changed that the running show does not take up."""
        return bool(NEXT_SHOW_FIELDS.intersection(self.changed_data))
