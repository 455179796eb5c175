"""Avatars for the page server: one of each kind."""

from __future__ import annotations

from datetime import timedelta


def put_avatars() -> None:
    """Rows alone: there is no video and no worker."""
    from django.utils import timezone

    from avatar_engine.models import Avatar, Preparation
    from avatar_engine.prepare.reasons import Reason

    now = timezone.now()
    measured = {"seconds": 214.0, "face_px": 262.0, "face_share": 1.0, "speech_share": 0.63, "clipped_share": 0.0}
    refusals = [
        Reason("two_faces", True, {"percent": 12.4}),
        Reason("blurred", True, {"percent": 31.0}),
        Reason("hdr", False),
    ]
    report = {"figures": measured, "reasons": [reason.to_json() for reason in refusals]}
    fields: dict[str, dict[str, object]] = {
        "ada": {"state": "done", "percent": 100, "report": {"figures": measured, "reasons": []}},
        "ben": {"state": "refused", "percent": 92, "report": report},
        "cleo": {"state": "running", "step": "faces", "percent": 61, "lease_expires_at": now + timedelta(days=1)},
        "dan": {"state": "failed", "error": "cannot be written: No space left on device"},
    }
    for name, values in fields.items():
        avatar = Avatar.objects.create(name=name, consent_by="Ada Maker" if name == "ada" else "")
        Preparation.objects.create(avatar=avatar, source_path=f"/videos/{name}.mp4", encoder="ave_footlight", **values)
