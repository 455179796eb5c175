"""What changes rows of avatars: an order, the worker that takes it, how far it is, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from avatar_engine import selectors
from avatar_engine.errors import AvatarFolderError, PreparationError
from avatar_engine.lipsync.synctalk_2d.folder import ENCODERS, EncoderName, check_avatar_name
from avatar_engine.models import Avatar, Preparation

LEASE = timedelta(minutes=5)
"""A worker that says nothing for so long is taken for dead. Its longest silent step is far shorter."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Who allowed the avatar, and for what use."""

    by: str
    scope: str


@transaction.atomic
def order_preparation(
    name: str, source: Path, encoder: EncoderName, *, silent_ok: bool = False, consent: Consent | None = None
) -> Preparation:
    """Note the wish for an avatar from a video. An order for the same file that has not ended is given back.

    Raises `PreparationError` where the name cannot be one or is being prepared from another file.
    """
    try:
        check_avatar_name(name)
    except AvatarFolderError as error:
        raise PreparationError(str(error)) from error
    if encoder not in ENCODERS:
        raise PreparationError(f"no audio encoder {encoder!r}; choose from {', '.join(ENCODERS)}")
    avatar, _ = Avatar.objects.select_for_update().get_or_create(name=name)
    if consent is not None:
        avatar.consent_by, avatar.consent_scope, avatar.consent_at = consent.by, consent.scope, timezone.now()
        avatar.save(update_fields=["consent_by", "consent_scope", "consent_at"])
    path = str(source.expanduser().resolve())
    latest = selectors.get_latest_preparation(name)
    if latest is not None and latest.state in (Preparation.State.WAITING, Preparation.State.RUNNING):
        if latest.source_path != path:
            raise PreparationError(f"the avatar {name} is being prepared from {latest.source_path}")
        return latest
    return Preparation.objects.create(avatar=avatar, source_path=path, encoder=encoder, silent_ok=silent_ok)


@transaction.atomic
def order_again(preparation: Preparation) -> Preparation:
    """Have a preparation that failed or was refused done again; one that is under way is given back."""
    return order_preparation(
        preparation.avatar.name,
        Path(preparation.source_path),
        preparation.encoder,  # type: ignore[arg-type]  # checked against ENCODERS when it was ordered
        silent_ok=preparation.silent_ok,
    )


def claim_preparation(preparation_id: int, owner: str, *, abandoned: bool = False) -> Preparation | None:
    """Take it for this worker; None where somebody else has it or it has ended.

    `abandoned` says that its lease may be taken before it has run out, since its holder is known to be dead.
    """
    now = timezone.now()
    rows = selectors.list_due_preparations(now)
    if abandoned:
        rows = rows | Preparation.objects.filter(state=Preparation.State.RUNNING)
    taken = rows.filter(pk=preparation_id).update(
        state=Preparation.State.RUNNING,
        attempts=F("attempts") + 1,
        lease_owner=owner,
        lease_expires_at=now + LEASE,
    )
    if not taken:
        return None
    return Preparation.objects.select_related("avatar").get(pk=preparation_id)


def note_progress(preparation: Preparation, step: str, percent: int) -> None:
    """Write how far it is, which also keeps the lease."""
    Preparation.objects.filter(pk=preparation.pk).update(
        step=step, percent=percent, lease_expires_at=timezone.now() + LEASE
    )


def end_preparation(
    preparation: Preparation, state: Preparation.State, *, report: Mapping[str, Any] | None = None, error: str = ""
) -> None:
    """Write how it ended, and let go of it."""
    preparation.state, preparation.error, preparation.report = state, error, dict(report or {})
    preparation.ended_at, preparation.lease_expires_at = timezone.now(), None
    if state == Preparation.State.DONE:
        preparation.percent = 100
    else:  # where it stopped
        preparation.refresh_from_db(fields=["percent"])
    preparation.save(update_fields=["state", "error", "report", "ended_at", "lease_expires_at", "percent"])


def bind_consent(avatar: Avatar, source_sha256: str) -> None:
    """Say for which file the consent on record was given; does nothing where there is none."""
    Avatar.objects.filter(pk=avatar.pk, consent_at__isnull=False).update(consent_sha256=source_sha256)
