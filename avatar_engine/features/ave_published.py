"""The published SyncTalk_2D audio encoder, for those who bring its weights: Footlight may not pass them on."""

from __future__ import annotations

from pathlib import Path

from avatar_engine.errors import WeightsError
from avatar_engine.features.ave import AveExtractor
from avatar_engine.features.ave_net import EncoderNet, State, build_network

SAFE_FILE = "ave.safetensors"
TORCH_FILE = "audio_visual_encoder.pth"


def load_published(weights: Path | None) -> AveExtractor:
    """The encoder of the weights folder `weights`. Raises `WeightsError`, saying which file it wants."""
    return AveExtractor(EncoderNet(build_network(_load_state(weights))))


def _load_state(weights: Path | None) -> State:
    if weights is not None and (weights / SAFE_FILE).is_file():
        return _load_safe(weights / SAFE_FILE)
    if weights is not None and (weights / TORCH_FILE).is_file():
        return _load_torch(weights / TORCH_FILE)
    place = "the weights folder" if weights is None else str(weights)
    raise WeightsError(
        f"the audio encoder of SyncTalk_2D is not here: put {TORCH_FILE} (or {SAFE_FILE}) into {place},"
        " or prepare the avatar with the encoder ave_footlight"
    )


def _load_safe(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path.name} cannot be read: {error}") from error


def _load_torch(path: Path) -> State:
    """Reads numbers only: a file with anything else in it is refused."""
    import pickle

    try:
        import torch
    except ImportError:
        raise WeightsError(
            f"{path.name} needs torch to be read; convert it to {SAFE_FILE} where torch is installed"
        ) from None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.numpy() for name, tensor in state.items()}
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, AttributeError) as error:
        raise WeightsError(f"{path.name} is not a file of weights: {error}") from error
