"""The first layers of VGG-19, which see edges and textures, as a yardstick of likeness.

Simonyan and Zisserman, 2014; weights normalised so that every channel's mean activation is 1, as used for style
transfer. The weights are a file of the user's (`data/weights/vgg19_normalized_conv1_1_to_conv3_3.safetensors`);
without it training leaves the perceptual loss out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from avatar_engine.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor, nn

VGG_FILE = "vgg19_normalized_conv1_1_to_conv3_3.safetensors"
_LAYERS = ("conv1_1", "conv1_2", "pool", "conv2_1", "conv2_2", "pool", "conv3_1", "conv3_2", "conv3_3")


def load_vgg(path: Path) -> nn.Module:
    """Pictures float[B, 3, S, S], BGR in 0..1, to activations float[B, 256, S/4, S/4] of conv3_3 before its ReLU.

    Frozen. Raises `TrainingError` where the file is not these layers.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from torch import nn

    try:
        state = load_file(path)
        layers: list[nn.Module] = [_build_entry(state["preprocess.weight"], state["preprocess.bias"])]
        for name in _LAYERS:
            if name == "pool":
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
                continue
            weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
            layer = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1, padding_mode="reflect")
            layer.load_state_dict({"weight": weight, "bias": bias})
            layers += [layer, nn.ReLU(inplace=True)]
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise TrainingError(f"{path.name} is not the slice of VGG-19 that training wants: {error}") from error
    net = nn.Sequential(*layers[:-1]).eval().requires_grad_(False)
    return net.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def _build_entry(weight: Tensor, bias: Tensor) -> nn.Module:
    """What maps BGR in 0..1 to the scale of the weights; the file's own layer wants RGB."""
    from torch import nn

    entry = nn.Conv2d(3, 3, 1)
    entry.load_state_dict({"weight": weight.flip(1), "bias": bias})
    return entry
