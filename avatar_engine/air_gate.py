"""Whether an avatar may go on air: the figures in its folder against the gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avatar_engine.errors import AvatarFolderError, EvaluationError
from avatar_engine.evaluate.gate import Shortfall, check_evaluation
from avatar_engine.evaluate.network_hash import hash_network
from avatar_engine.evaluate.result import load_evaluation


@dataclass(frozen=True, slots=True)
class AirGate:
    """What was found of one avatar. An override that somebody signs is for these networks and no others.

    shortfalls:     what keeps it off the air; empty where it may go on.
    network_sha256: "" where this machine does not have the networks.
    """

    avatar: str
    network_sha256: str
    shortfalls: tuple[Shortfall, ...]

    @property
    def passes(self) -> bool:
        return not self.shortfalls


def read_air_gate(avatar: str, data_dir: Path) -> AirGate:
    """Look at the avatar `avatar` below `data_dir`. "" is the presenter that ships with a family: it passes.

    Reads the networks to tell whether the figures are theirs: 50 MB at most, so call it off an event loop.
    """
    from avatar_engine.lipsync.synctalk_2d.folder import check_avatar_name

    if not avatar:
        return AirGate("", "", ())
    try:
        folder = data_dir / "avatars" / check_avatar_name(avatar)
    except AvatarFolderError:
        return AirGate(avatar, "", (Shortfall("not_here"),))
    if not folder.is_dir():
        return AirGate(avatar, "", (Shortfall("not_here"),))
    network = hash_network(folder)
    try:
        return AirGate(avatar, network, check_evaluation(load_evaluation(folder), network))
    except EvaluationError:
        return AirGate(avatar, network, (Shortfall("not_evaluated"),))
