"""An avatar that has not passed its test goes on air only when an operator signs for it; the signature is a row."""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.conf import settings

from avatar_engine.air_gate import AirGate, read_air_gate
from chat.models import AirOverride, Room

log = logging.getLogger(__name__)

MOST_REASON = 500


def read_gate(room: Room) -> AirGate:
    """Whether the avatar of `room` has passed. Reads files."""
    return read_air_gate(room.avatar, settings.FOOTLIGHT.data_dir)


def find_override(room: Room, gate: AirGate) -> AirOverride | None:
    """The latest signature for this room with these networks of this avatar."""
    signed = AirOverride.objects.filter(room=room, avatar=gate.avatar, network_sha256=gate.network_sha256)
    return signed.order_by("-id").first()


def sign_override(room: Room, gate: AirGate, operator: str, reason: str) -> AirOverride:
    """Note that `operator` lets the avatar on air in spite of `gate`, and why."""
    shortfalls = [asdict(shortfall) for shortfall in gate.shortfalls]
    log.warning("%s lets avatar %s on air in room %s: %s (%s)", operator, gate.avatar, room.slug, reason, shortfalls)
    return AirOverride.objects.create(
        room=room,
        avatar=gate.avatar,
        network_sha256=gate.network_sha256,
        operator=operator,
        reason=reason[:MOST_REASON],
        shortfalls=shortfalls,
    )
