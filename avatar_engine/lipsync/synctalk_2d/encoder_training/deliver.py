"""From the trained network to the file that ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avatar_engine.features.ave_net import LAYERS, PREFIX, build_network
from avatar_engine.lipsync.synctalk_2d.encoder_training.corpus import Clip
from avatar_engine.lipsync.synctalk_2d.encoder_training.lessons import build_said_rows, join_rows
from avatar_engine.types import Float32

if TYPE_CHECKING:
    from avatar_engine.lipsync.synctalk_2d.encoder_training.nets.encoder import TaughtEncoder

MEAN_NORM = 18.0
"""Mean length of a row of the published encoder over real speech; ours is brought to it, since picture networks and
their learning rates are used to numbers of this size."""
HEADS_FILE = "heads.safetensors"


def deliver(net: TaughtEncoder, clips: Sequence[Clip], network: Path, heads: Path) -> None:
    """Write the encoder as an ONNX file with weights of 16 bits, and its heads for rows as it gives them.

    `clips` are what the size of the rows is measured on. heads: "<head>_weight" float32[k, 512], "<head>_bias".
    """
    import torch
    from safetensors.numpy import save_file

    with torch.inference_mode():
        columns = join_rows([build_said_rows(clip, None) for clip in clips]).columns
        lengths = torch.linalg.vector_norm(net.encode(torch.from_numpy(columns)), dim=1)
    gain = MEAN_NORM / float(lengths.mean())
    state = {name: tensor.numpy() for name, tensor in net.state_dict().items() if name.startswith(PREFIX)}
    last = f"{PREFIX}{len(LAYERS) - 1}.conv_block.1."
    # A positive factor passes through the last ReLU.
    state |= {last + part: state[last + part] * np.float32(gain) for part in ("weight", "bias")}
    network.write_bytes(build_network(state, half=True))
    told: dict[str, Float32] = {}
    for name, head in net.heads.state_dict().items():
        part: Float32 = head.numpy()
        told[name.replace(".", "_")] = part / np.float32(gain) if name.endswith("weight") else part
    save_file(told, heads)
