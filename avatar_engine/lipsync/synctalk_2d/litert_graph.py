"""Writes a tape down as a LiteRT model of int8 maps, [1, H, W, C], for XNNPACK's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.synctalk_2d.folded import Kernel
from avatar_engine.lipsync.synctalk_2d.quantised import Scale, join_inputs, quantise, split_outputs
from avatar_engine.lipsync.synctalk_2d.tape import Call, Tape

_MARK = b"TFL3"
_SCHEMA_VERSION = 3
_OPERATOR_VERSIONS = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3}
"""The first that knows int8 with a step per output; 2 is the first that knows int8 at all, for the others."""


class _Model:
    """Tensors and operators so far; a tensor is its number."""

    def __init__(self) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema: Any = schema
        self._buffers: list[Any] = [schema.BufferT()]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: dict[str, int] = {}

    def tensor(
        self,
        shape: Sequence[int],
        kind: str,
        values: npt.NDArray[Any] | None = None,
        steps: Sequence[float] | npt.NDArray[np.float32] | None = None,
        zero: int = 0,
        axis: int = 0,
        name: str = "",
    ) -> int:
        """A tensor of type `kind`; with `values` a constant; with `steps` one step size, or one per index of `axis`."""
        made = self.schema.TensorT()
        made.shape, made.type = list(shape), getattr(self.schema.TensorType, kind)
        made.name = name or f"tensor_{len(self._tensors)}"
        if values is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            self._buffers.append(buffer)
        made.buffer = len(self._buffers) - 1 if values is not None else 0
        if steps is not None:
            quantisation = self.schema.QuantizationParametersT()
            quantisation.scale = np.asarray(steps, np.float32)
            quantisation.zeroPoint = np.full(len(steps), zero, np.int64)
            quantisation.quantizedDimension = axis
            made.quantization = quantisation
        self._tensors.append(made)
        return len(self._tensors) - 1

    def map(self, shape: tuple[int, int, int], scale: Scale, name: str = "") -> int:
        """An int8 map of (height, width, channels)."""
        return self.tensor((1, *shape), "INT8", steps=[scale.step], zero=scale.zero, name=name)

    def operate(self, code: str, inputs: list[int], output: int, options: str = "", **values: object) -> int:
        """Add an operator; gives `output`."""
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self._codes.setdefault(code, len(self._codes))
        operator.inputs, operator.outputs = inputs, [output]
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            for name, value in values.items():
                setattr(operator.builtinOptions, name, value)
        self._operators.append(operator)
        return output

    def finish(self, inputs: list[int], outputs: list[int]) -> bytes:
        import flatbuffers  # type: ignore[import-untyped]

        model, graph = self.schema.ModelT(), self.schema.SubGraphT()
        model.version, model.description, model.buffers = _SCHEMA_VERSION, "footlight", self._buffers
        model.operatorCodes = []
        for name in self._codes:
            code = self.schema.OperatorCodeT()
            code.builtinCode = getattr(self.schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.version = _OPERATOR_VERSIONS.get(name, 2)
            model.operatorCodes.append(code)
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self._tensors, self._operators, inputs, outputs
        model.subgraphs = [graph]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), _MARK)
        return bytes(builder.Output())


class _Writer:
    """Goes through a tape call by call."""

    def __init__(self, tape: Tape, scales: Sequence[Scale]) -> None:
        self._tape, self._scales = tape, scales
        self._model = _Model()
        self._maps: list[int] = []

    def write(self) -> bytes:
        for call, scale in zip(self._tape.calls, self._scales, strict=True):
            self._maps.append(getattr(self, f"_write_{call.kind}")(call, scale))
        entries = [self._maps[x] for x, call in enumerate(self._tape.calls) if call.kind == "enter"]
        return self._model.finish(entries, [self._maps[x] for x in self._tape.outputs.values()])

    def _write_enter(self, call: Call, scale: Scale) -> int:
        return self._model.map((call.height, call.width, call.channels), scale, call.name)

    def _write_conv(self, call: Call, scale: Scale) -> int:
        (x,) = call.inputs
        kernel, heard = call.kernel, self._scales[x]
        assert kernel is not None
        if self._tape.calls[x].fine:
            kernel, heard = join_inputs(kernel, heard, self._tape.calls[x].fine)
        if call.exact:
            return self._write_exact_conv(call, kernel, heard)
        if call.fine:
            kernel, scale = split_outputs(kernel, scale, call.fine)
        source, same = self._maps[x], call.padding == (kernel.size - 1) // 2 and call.stride == (1, 1)
        if not same and call.padding:
            source = self._write_rim(call, source)
        depthwise = self._tape.is_depthwise(call)
        return self._convolve(source, (heard, scale), call, kernel, depthwise=depthwise, same=same)

    def _convolve(
        self, source: int, scales: tuple[Scale, Scale], call: Call, kernel: Kernel, *, depthwise: bool, same: bool
    ) -> int:
        heard, made = scales
        whole = quantise(kernel, heard.factors, made.factors, heard.step, depthwise=depthwise)
        weight = whole.weight.transpose((1, 2, 3, 0) if depthwise else (0, 2, 3, 1))
        options, extra = ("DepthwiseConv2DOptions", {"depthMultiplier": 1}) if depthwise else ("Conv2DOptions", {})
        inputs = [
            source,
            self._model.tensor(weight.shape, "INT8", weight, whole.steps, axis=3 if depthwise else 0),
            self._model.tensor(whole.bias.shape, "INT32", whole.bias, whole.steps * np.float32(heard.step)),
        ]
        return self._model.operate(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            inputs,
            self._model.map((call.height, call.width, kernel.outputs), made),
            options,
            **self._describe_stride(call, same=same),
            **extra,
        )

    def _describe_stride(self, call: Call, *, same: bool) -> dict[str, int]:
        padding, activation = self._model.schema.Padding, self._model.schema.ActivationFunctionType
        return {
            "padding": padding.SAME if same else padding.VALID,
            "strideH": call.stride[0],
            "strideW": call.stride[1],
            "dilationHFactor": 1,
            "dilationWFactor": 1,
            "fusedActivationFunction": activation.RELU if call.relu else activation.NONE,
        }

    def _write_rim(self, call: Call, source: int) -> int:
        """Zeros around a map; the format's own padding lies elsewhere where the stride is not 1."""
        before, rim = self._tape.calls[call.inputs[0]], call.padding
        sides = np.array([[0, 0], [rim, rim], [rim, rim], [0, 0]], np.int32)
        shape = (before.height + 2 * rim, before.width + 2 * rim, before.channels)
        wide = self._model.map(shape, self._scales[call.inputs[0]])
        return self._model.operate("PAD", [source, self._model.tensor((4, 2), "INT32", sides)], wide, "PadOptions")

    def _write_exact_conv(self, call: Call, kernel: Kernel, heard: Scale) -> int:
        """In float32: eight bits just before the logistic function would show as bands on skin."""
        whole = self._float((call.height, call.width, len(heard.factors)))
        self._model.operate("DEQUANTIZE", [self._maps[call.inputs[0]]], whole, "DequantizeOptions")
        weight = (kernel.weight * heard.factors[None, :, None, None]).transpose(0, 2, 3, 1)
        constants = [
            self._model.tensor(weight.shape, "FLOAT32", weight),
            self._model.tensor(kernel.bias.shape, "FLOAT32", kernel.bias),
        ]
        made = self._float((call.height, call.width, call.channels))
        options = self._describe_stride(call, same=True)
        return self._model.operate("CONV_2D", [whole, *constants], made, "Conv2DOptions", **options)

    def _float(self, shape: tuple[int, int, int]) -> int:
        return self._model.tensor((1, *shape), "FLOAT32")

    def _write_add(self, call: Call, scale: Scale) -> int:
        shape = (call.height, call.width, call.channels)
        made = self._float(shape) if call.exact else self._model.map(shape, scale)
        return self._model.operate("ADD", [self._maps[x] for x in call.inputs], made, "AddOptions")

    def _write_meet(self, call: Call, scale: Scale) -> int:
        first, second = call.inputs
        near, far = self._tape.calls[first], self._tape.calls[second]
        scales = (self._scales[first], self._scales[second])
        joined = Scale(np.concatenate([scales[0].factors, scales[1].factors]), signed=True)
        source = self._maps[first]
        if call.enlarge:
            size = self._model.tensor((2,), "INT32", np.array([call.height, call.width], np.int32))
            large = self._model.map((call.height, call.width, near.channels), scales[0])
            self._model.operate("RESIZE_BILINEAR", [source, size], large, "ResizeBilinearOptions", alignCorners=True)
            source = large
        both = self._model.map((call.height, call.width, near.channels + far.channels), joined)
        self._model.operate("CONCATENATION", [source, self._maps[second]], both, "ConcatenationOptions", axis=3)
        assert call.kernel is not None
        return self._convolve(both, (joined, scale), call, call.kernel, depthwise=False, same=True)

    def _write_squash(self, call: Call, scale: Scale) -> int:
        made = self._float((call.height, call.width, call.channels))
        return self._model.operate("LOGISTIC", [self._maps[call.inputs[0]]], made)


def build_litert(tape: Tape, scales: Sequence[Scale]) -> bytes:
    """The model as bytes: inputs int8[1, H, W, C] in the order in which they enter, outputs in that of the tape.

    Outputs are int8 too, but for what was squashed, which is float32. `scales` has one entry for each call.
    """
    return _Writer(tape, scales).write()
