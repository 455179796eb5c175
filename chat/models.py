"""Rows of the conversation. These rows are the truth; messages between processes only say "look again"."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone


def build_llm_default() -> list[dict[str, Any]]:
    """No endpoint of its own: the room talks to the embedded model."""
    return []


class Room(models.Model):
    """One live page with one presenter. `is_on_air` is what the operator wants; the lease says who does it."""

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        CHINESE = "zh", "中文"

    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True)
    language = models.CharField(max_length=8, choices=Language.choices, default=Language.ENGLISH)
    is_listed = models.BooleanField(default=True)
    is_on_air = models.BooleanField(default=False)

    persona_name = models.CharField(max_length=60, default="Mira")
    system_prompt = models.TextField(blank=True, max_length=4000)
    boundaries = models.TextField(blank=True, max_length=2000)
    greeting = models.CharField(max_length=300, blank=True)
    disclosure = models.CharField(max_length=200, blank=True)
    idle_lines = models.JSONField(default=list, blank=True)
    idle_after_s = models.PositiveIntegerField(default=90, validators=[MinValueValidator(10)])

    engine = models.CharField(max_length=40, default="drawn")
    avatar = models.CharField(max_length=120, blank=True)
    avatar_seed = models.PositiveIntegerField(default=1)
    width = models.PositiveIntegerField(default=960, validators=[MinValueValidator(128), MaxValueValidator(1920)])
    height = models.PositiveIntegerField(default=540, validators=[MinValueValidator(128), MaxValueValidator(1920)])
    voices = models.JSONField(default=list, blank=True)
    llm = models.JSONField(default=build_llm_default, blank=True)
    max_waiting = models.PositiveIntegerField(default=20, validators=[MinValueValidator(1)])

    generation = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class Viewer(models.Model):
    """A browser that chats, known by a cookie. The display name is never a key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True)
    display_name = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.display_name or str(self.id)


class Message(models.Model):
    """What a viewer said. Every accepted message ends in a state that can be asked for."""

    class State(models.TextChoices):
        WAITING = "waiting"
        ANSWERING = "answering"
        ANSWERED = "answered"
        SHED = "shed"
        FAILED = "failed"

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="messages")
    viewer = models.ForeignKey(Viewer, on_delete=models.CASCADE, related_name="messages")
    display_name = models.CharField(max_length=40, blank=True)
    client_id = models.CharField(max_length=64)
    text = models.CharField(max_length=500)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    received_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["room", "viewer", "client_id"], name="one_row_per_client_id"),
        ]
        indexes = [models.Index(fields=["room", "state", "id"], name="message_queue")]

    def __str__(self) -> str:
        return f"{self.display_name}: {self.text[:40]}"


class Turn(models.Model):
    """One thing the presenter says: an answer, an operator's line, a greeting or an idle line."""

    class Kind(models.TextChoices):
        OPERATOR = "operator"
        BROADCAST = "broadcast"
        VIEWER = "viewer"
        IDLE = "idle"

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        FINISHED = "finished"
        INTERRUPTED = "interrupted"
        FAILED = "failed"

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="turns")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, blank=True, related_name="turns")
    text = models.TextField(blank=True)
    heard = models.TextField(blank=True)
    prompt = models.JSONField(default=list, blank=True)
    model_name = models.CharField(max_length=120, blank=True)
    voice_name = models.CharField(max_length=80, blank=True)
    stamps = models.JSONField(default=dict, blank=True)
    happened = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["room", "state", "kind", "id"], name="turn_queue")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} ({self.state})"


class Sentence(models.Model):
    """The unit of speech. It says `on_air` before its first sample is sent, and `heard` or `cut` after."""

    class State(models.TextChoices):
        WRITTEN = "written"
        ON_AIR = "on_air"
        HEARD = "heard"
        CUT = "cut"
        DROPPED = "dropped"

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="sentences")
    index = models.PositiveIntegerField()
    text = models.TextField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WRITTEN)
    heard = models.TextField(blank=True)
    marks = models.JSONField(default=list, blank=True)
    epoch = models.BigIntegerField(null=True, blank=True)
    start_pts = models.BigIntegerField(null=True, blank=True)
    duration_ms = models.FloatField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["turn_id", "index"]
        constraints = [models.UniqueConstraint(fields=["turn", "index"], name="one_sentence_per_index")]

    def __str__(self) -> str:
        return f"{self.turn_id}.{self.index} {self.state}"


class AirOverride(models.Model):
    """An operator's signature for an avatar that has not passed its test. It holds for these networks in this room."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="overrides")
    avatar = models.CharField(max_length=120)
    network_sha256 = models.CharField(max_length=64, blank=True)
    operator = models.CharField(max_length=150)
    reason = models.CharField(max_length=500)
    shortfalls = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.operator}: {self.avatar}"
