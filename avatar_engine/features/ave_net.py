"""An audio encoder as an ONNX network: written from its weights, and run with ONNX Runtime. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avatar_engine.errors import WeightsError
from avatar_engine.features.ave import COLUMNS, FEATURES
from avatar_engine.features.mel import BANDS
from avatar_engine.types import Float32

PREFIX = "audio_encoder."
OPSET = 17
_IR_VERSION = 9
_NORM_EPS = 1e-5


@dataclass(frozen=True, slots=True)
class Layer:
    """Convolution, batch norm, perhaps plus its input, ReLU. `stride` and `pad` over bands and columns."""

    stride: tuple[int, int] = (1, 1)
    pad: int = 1
    residual: bool = False


_ADDING = Layer(residual=True)
LAYERS: tuple[Layer, ...] = (
    *(Layer(), _ADDING, _ADDING),
    *(Layer((3, 1)), _ADDING, _ADDING),
    *(Layer((3, 3)), _ADDING, _ADDING),
    *(Layer((3, 2)), _ADDING),
    *(Layer(pad=0), Layer(pad=0)),
)
"""Wav2Lip's audio encoder less one layer. Its widths are those of the weights."""

State = Mapping[str, np.ndarray[Any, Any]]


def build_network(state: State, *, half: bool = False) -> bytes:
    """Weights under their published names, with or without the prefix `audio_encoder.`, to an ONNX model.

    Input `mel` float32[1, 1, 80, 16], output `features` float32[1, 512]. Batch norms are folded into the convolutions.
    `half` stores the weights in 16 bits; the arithmetic stays in 32. Raises `WeightsError` where the names or shapes
    are not those of this network.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, weights = [], []
    name = "mel"
    for number, (layer, (kernel, bias)) in enumerate(zip(LAYERS, _fold(state), strict=True)):
        for label, values in ((f"kernel{number}", kernel), (f"bias{number}", bias)):
            stored = f"{label}_half" if half else label
            weights.append(numpy_helper.from_array(values.astype(np.float16 if half else np.float32), stored))
            if half:
                nodes.append(helper.make_node("Cast", [stored], [label], to=TensorProto.FLOAT))
        nodes.append(
            helper.make_node(
                "Conv",
                [name, f"kernel{number}", f"bias{number}"],
                [f"conv{number}"],
                strides=layer.stride,
                pads=[layer.pad] * 4,
            )
        )
        summed = f"conv{number}"
        if layer.residual:
            nodes.append(helper.make_node("Add", [summed, name], [f"sum{number}"]))
            summed = f"sum{number}"
        nodes.append(helper.make_node("Relu", [summed], [f"out{number}"]))
        name = f"out{number}"
    nodes.append(helper.make_node("Flatten", [name], ["features"]))
    graph = helper.make_graph(
        nodes,
        "audio_encoder",
        [helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, 1, BANDS, COLUMNS])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, FEATURES])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION)
    model.producer_name = "footlight"
    checker.check_model(model)
    return bytes(model.SerializeToString())


def _fold(state: State) -> list[tuple[Float32, Float32]]:
    """Kernel and bias of each layer, its batch norm folded in."""
    bare = {key.removeprefix(PREFIX): np.asarray(value) for key, value in state.items()}
    folded = []
    width = 1
    for number, layer in enumerate(LAYERS):
        try:
            kernel, bias = (bare[f"{number}.conv_block.0.{part}"] for part in ("weight", "bias"))
            scale, shift, mean, variance = (
                bare[f"{number}.conv_block.1.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
            )
        except KeyError as error:
            raise WeightsError(f"the audio encoder's weights lack {error.args[0]!r}") from None
        side = 1 if number == len(LAYERS) - 1 else 3
        if kernel.ndim != 4 or kernel.shape[1:] != (width, side, side) or (layer.residual and len(kernel) != width):
            raise WeightsError(f"layer {number} of the audio encoder has the shape {kernel.shape}")
        gain = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + _NORM_EPS)
        folded.append(
            (
                (kernel * gain[:, None, None, None]).astype(np.float32),
                ((bias - mean) * gain + shift).astype(np.float32),
            )
        )
        width = len(kernel)
    if width != FEATURES or not all(np.isfinite(part).all() for pair in folded for part in pair):
        raise WeightsError(f"the audio encoder ends in {width} numbers, or its weights are not finite")
    return folded


class EncoderNet:
    """An encoder in ONNX Runtime on one thread: float32[80, 16] in, float32[512] out."""

    def __init__(self, model: bytes) -> None:
        """Raises `WeightsError` where `model` is not such a network."""
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf) as error:
            raise WeightsError(f"the audio encoder does not load: {error}") from error
        (source,), (result,) = self._session.get_inputs(), self._session.get_outputs()
        if source.shape != [1, 1, BANDS, COLUMNS] or result.shape != [1, FEATURES]:
            raise WeightsError(f"the audio encoder maps {source.shape} to {result.shape}")
        self._source = source.name

    @classmethod
    def load(cls, path: Path) -> EncoderNet:
        """From an ONNX file. Raises `WeightsError`."""
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise WeightsError(f"the audio encoder {path.name} cannot be read: {error.strerror}") from error

    def encode(self, columns: Float32) -> Float32:
        """One window, float32[80, 16] in -4..4, to float32[512], none below zero."""
        (features,) = self._session.run(None, {self._source: columns[None, None]})
        row: Float32 = features[0]
        return row
