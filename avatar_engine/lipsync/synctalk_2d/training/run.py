"""One run of a training, from the samples to the networks: goes on where the last run ended."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.training.atomic import write_whole
from avatar_engine.lipsync.synctalk_2d.training.dataset import TrainingSet
from avatar_engine.lipsync.synctalk_2d.training.journal import LOG_FILE, STATE_FILE, Journal, is_training
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.loop import Loop, Outcome
from avatar_engine.lipsync.synctalk_2d.training.options import Precision, TrainingOptions

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)

OPTIONS_FILE = "options.json"
_MADE_BY_TRAINING = ("*.checkpoint", "*.safetensors", "samples/*.jpg", LOG_FILE, STATE_FILE, OPTIONS_FILE)


def read_options(folder: Path) -> TrainingOptions | None:
    """The options of the training that was begun in `folder`, or None. Raises `TrainingError`."""
    try:
        return TrainingOptions.from_json(json.loads((folder / OPTIONS_FILE).read_bytes()))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise TrainingError(f"{OPTIONS_FILE} cannot be read: {error}; begin anew with --fresh") from error


def keep_options(folder: Path, options: TrainingOptions) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / OPTIONS_FILE, json.dumps(options.to_json(), indent=1).encode())


def forget_training(folder: Path) -> None:
    """Remove what an earlier training left, but not the pictures that were cut for it.

    Raises `TrainingError` while one runs.
    """
    if is_training(folder):
        raise TrainingError("this avatar is being trained; stop that first")
    for pattern in _MADE_BY_TRAINING:
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


def choose_device(wanted: str) -> str:
    """ "cpu" or "cuda" for "auto", "cpu" or "cuda". Raises `TrainingError` where there is no such device."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted not in ("cpu", "cuda"):
        raise TrainingError(f"no device {wanted!r}; choose auto, cpu or cuda")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError("there is no GPU that torch can use here; choose --device cpu")
    return wanted


def choose_precision(device: str) -> Precision:
    """ "bf16" where the device computes in it, which halves the traffic with memory; else "fp32"."""
    import torch

    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"


def prepare_device(device: str, threads: int | None) -> None:
    """Process-wide settings of torch for training; `threads` are those of the CPU."""
    import torch

    if threads:
        torch.set_num_threads(threads)
    if device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")


def train_networks(
    data: TrainingSet,
    options: TrainingOptions,
    journal: Journal,
    limits: Limits,
    device: str = "cpu",
    vgg_path: Path | None = None,
) -> Outcome:
    """Train the sync network where it is wanted, then the picture network. Weights come to lie in the journal's folder.

    vgg_path: the slice of VGG-19; without that file the perceptual loss is left out.
    Raises `TrainingError`. Whoever calls holds the lock of the folder (`hold_training`).
    """
    from avatar_engine.lipsync.synctalk_2d.training.unet_phase import UNetPhase
    from avatar_engine.lipsync.synctalk_2d.training.vgg import load_vgg

    if data.inner != options.net.inner:
        raise TrainingError(f"pictures of {data.inner} px for a network of {options.net.inner} px")
    judge = None
    if options.wants_sync:
        outcome = _train_judge(data, options, journal, limits, device)
        if outcome != "finished":
            return outcome
        judge = _load_judge(journal.folder, options)
    has_vgg = vgg_path is not None and vgg_path.is_file() and options.perceptual_weight > 0
    if options.perceptual_weight > 0 and not has_vgg:
        logger.warning("the slice of VGG-19 is not here: training goes on without the perceptual loss")
    vgg = load_vgg(vgg_path) if has_vgg and vgg_path else None
    return Loop(UNetPhase(data, options, device, vgg, judge), options, journal, limits, device).run()


def _train_judge(data: TrainingSet, options: TrainingOptions, journal: Journal, limits: Limits, device: str) -> Outcome:
    from avatar_engine.lipsync.synctalk_2d.training.sync_phase import SyncPhase

    return Loop(SyncPhase(data, options, device), options, journal, limits, device).run()


def _load_judge(folder: Path, options: TrainingOptions) -> nn.Module:
    from avatar_engine.lipsync.synctalk_2d.checkpoint import load_into, load_state
    from avatar_engine.lipsync.synctalk_2d.nets.syncnet import SyncNet
    from avatar_engine.lipsync.synctalk_2d.training.sync_phase import SYNCNET_FILE

    judge = SyncNet(options.net)
    load_into(judge, load_state(folder / SYNCNET_FILE))
    return judge
