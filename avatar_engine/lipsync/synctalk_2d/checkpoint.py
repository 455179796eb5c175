"""Network weights on disk: read from safetensors or from torch's own files, written as safetensors.

A torch file is a pickle. Only its tensors are read (`weights_only`); one that wants to run code is refused.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.spec import BOTTLENECK_PX, AudioKind, NetSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

LARGEST_FILE_BYTES = 2 << 30
LARGEST_VALUES = 1 << 28
"""No more values than this in all tensors together; the largest net here has a tenth of it."""

_NAMED = 3
_PREFIXLESS = re.compile(r"\d+\.conv_block\.")
_WITHOUT_INDEX = re.compile(r"\b(maxpool_conv|inconv)\.(?!0\.)")
_AUDIO_OF_INPUTS: dict[int, AudioKind] = {32: "ave", 16: "hubert", 128: "wenet", 256: "wenet"}


def load_state(path: Path) -> dict[str, Tensor]:
    """All weights in a file, on the CPU, floating ones as float32, under the names of `nets/`.

    Takes safetensors and torch files, those that hold {"model": ...} among them, and the two older ways of naming.
    Raises `CheckpointError` for anything that is not a healthy set of named tensors.
    """
    size = path.stat().st_size if path.is_file() else -1
    if size < 0:
        raise CheckpointError(f"there is no weight file {path.name}")
    if not 0 < size <= LARGEST_FILE_BYTES:
        raise CheckpointError(f"{path.name} has {size} bytes; a weight file has 1 to {LARGEST_FILE_BYTES}")
    with path.open("rb") as file:
        start = file.read(2)
    content = _read_torch(path) if start == b"PK" or start[:1] == b"\x80" else _read_safetensors(path)
    return _rename(_check_tensors(path.name, _unwrap(content)))


def load_into(net: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give `net` exactly these weights. Raises `CheckpointError` that names what is missing, extra or misshapen."""
    wanted = net.state_dict()
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}
    missing = [name for name in wanted if name not in state and name not in counters]
    extra = [name for name in state if name not in wanted]
    if missing or extra:
        raise CheckpointError(
            f"these weights are of another network: {_list('missing', missing)}{_list('not known', extra)}".rstrip("; ")
        )
    misshapen = [
        f"{name} is {list(tensor.shape)} instead of {list(wanted[name].shape)}"
        for name, tensor in state.items()
        if tensor.shape != wanted[name].shape
    ]
    if misshapen:
        raise CheckpointError(f"these weights have other sizes: {_list('of another size', misshapen)}".rstrip("; "))
    net.load_state_dict({**{name: wanted[name] for name in counters}, **state})


def save_state(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write weights as safetensors with text beside them, atomically: the old file or the new one is there."""
    from safetensors.torch import save_file

    part = path.with_name(f".{path.name}.part")
    whole = {name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in state.items()}
    try:
        save_file(whole, part, dict(metadata or {}))
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_metadata(path: Path) -> dict[str, str]:
    """The text that `save_state` put beside the weights. Raises `CheckpointError`."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path.name} cannot be read as safetensors: {error}") from error


def guess_spec(state: Mapping[str, Tensor]) -> NetSpec:
    """The shape of the picture network whose weights these are. Raises `CheckpointError`.

    At 320 px the nets for AVE and for HuBERT have the same weights and differ in a stride; "ave" is answered.
    """
    try:
        downs = 0
        widths = [_count_outputs(state, "inc.inconv.0")]
        while f"down{downs + 1}.maxpool_conv.0.double_conv.0.conv.6.weight" in state:
            downs += 1
            widths.append(_count_outputs(state, f"down{downs}.maxpool_conv.0.double_conv.0"))
        inputs = int(state["audio_model.conv1.conv.0.weight"].shape[1])
        return NetSpec(BOTTLENECK_PX << min(downs, 16), tuple(widths), _AUDIO_OF_INPUTS[inputs])
    except KeyError as error:
        raise CheckpointError(f"these are not the weights of a picture network: {error} does not fit") from error
    except (ValueError, IndexError) as error:
        raise CheckpointError(f"these are not the weights of a picture network: {error}") from error


def _count_outputs(state: Mapping[str, Tensor], block: str) -> int:
    return int(state[f"{block}.conv.6.weight"].shape[0])


def _read_safetensors(path: Path) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path.name} is neither safetensors nor a torch file, or is damaged: {error}") from error


def _read_torch(path: Path) -> object:
    import torch

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > LARGEST_FILE_BYTES:
                    raise CheckpointError(f"{path.name} unpacks to more than {LARGEST_FILE_BYTES} bytes")
        return torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged pickle can raise anything at all
        first = str(error).strip().partition("\n")[0][:200]
        reason = "it holds more than tensors" if "weights_only" in str(error) or "Unsupported" in str(error) else first
        raise CheckpointError(f"{path.name} is not a usable torch file: {reason or type(error).__name__}") from error


def _unwrap(content: object) -> object:
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        return content["model"]
    return content


def _check_tensors(name: str, content: object) -> dict[str, Tensor]:
    import torch

    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(f"{name} holds no named tensors")
    values = 0
    for key, tensor in content.items():
        if not isinstance(key, str) or type(tensor) not in (torch.Tensor, torch.nn.Parameter):
            raise CheckpointError(f"{name}: {key!r:.80} is {type(tensor).__name__} and not a tensor")
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.device.type != "cpu":
            raise CheckpointError(f"{name}: {key:.80} is no plain array of numbers")
        values += tensor.numel()
        if values > LARGEST_VALUES:
            raise CheckpointError(f"{name} holds more than {LARGEST_VALUES} values")
    return {key: _check_values(f"{name}: {key:.80}", key, tensor.detach()) for key, tensor in content.items()}


def _check_values(place: str, key: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.clone()
    tensor = tensor.float().contiguous().clone()
    if not bool(tensor.isfinite().all()):
        raise CheckpointError(f"{place} has values that are not finite")
    if key.endswith("running_var") and bool((tensor < 0).any()):
        raise CheckpointError(f"{place} is a variance and has negative values")
    return tensor


def _rename(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names of 2026-05 Ultralight files and of the published audio encoder -> those of `nets/`."""
    if all(_PREFIXLESS.match(name) for name in state):
        return {f"audio_encoder.{name}": tensor for name, tensor in state.items()}
    if any("maxpool_conv.0." in name for name in state):
        return state
    return {_WITHOUT_INDEX.sub(r"\1.0.", name): tensor for name, tensor in state.items()}


def _list(what: str, names: list[Any]) -> str:
    if not names:
        return ""
    rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(map(str, names[:_NAMED]))}{rest}; "
