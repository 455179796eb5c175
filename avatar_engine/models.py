"""Avatars and what became of their sources."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone


class Avatar(models.Model):
    """A presenter made from a video. What it needs on air lies in the folder `<data>/avatars/<name>/`.

    The consent fields say who allowed what, when, and for which file; they are empty until somebody fills them in.
    """

    name = models.CharField(max_length=64, unique=True, validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*\Z")])
    family = models.CharField(max_length=40, default="synctalk_2d")
    consent_by = models.CharField(max_length=120, blank=True)
    consent_at = models.DateTimeField(null=True, blank=True)
    consent_scope = models.CharField(max_length=300, blank=True)
    consent_sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Preparation(models.Model):
    """One source video on its way to an avatar. The row is the truth: a worker that dies leaves it to the next."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    avatar = models.ForeignKey(Avatar, on_delete=models.CASCADE, related_name="preparations")
    source_path = models.CharField(max_length=1000)
    encoder = models.CharField(max_length=40)
    silent_ok = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    step = models.CharField(max_length=20, blank=True)
    percent = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    report = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["state", "lease_expires_at"], name="preparation_due")]

    def __str__(self) -> str:
        return f"{self.avatar_id} {self.state}"
