"""Writes a tape down as ONNX, float32, one picture at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from avatar_engine.lipsync.synctalk_2d.folded import Kernel
from avatar_engine.lipsync.synctalk_2d.tape import Call, Tape

OPSET = 17
IR_VERSION = 9


class _Graph:
    """Nodes and constants so far; a tensor is its name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, values: npt.NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def conv(self, x: str, kernel: Kernel, call: Call, *, depthwise: bool = False) -> str:
        return self.node(
            "Conv",
            [x, self.constant(kernel.weight), self.constant(kernel.bias)],
            kernel_shape=[kernel.size, kernel.size],
            strides=list(call.stride),
            pads=[call.padding] * 4,
            group=kernel.outputs if depthwise else 1,
        )

    def meet(self, first: str, second: str, call: Call, first_channels: int) -> str:
        """A 1x1 convolution commutes with enlarging, so it runs on the small map: a quarter of the work."""
        assert call.kernel is not None
        over_first, over_second = call.kernel.split(first_channels)
        x = self.conv(first, over_first, call)
        if call.enlarge:
            twice = self.constant(np.array([1, 1, 2, 2], np.float32))
            x = self.node("Resize", [x, "", twice], mode="linear", coordinate_transformation_mode="align_corners")
        return self.node("Add", [x, self.conv(second, over_second, call)])


def build_onnx(tape: Tape, *, every_map: bool = False) -> bytes:
    """The model as bytes: inputs and outputs float32[1, C, H, W] under their names on the tape.

    With `every_map` the result of call i is also given, as "call_i".
    """
    import onnx
    from onnx import helper

    graph = _Graph()
    names: list[str] = []
    for call in tape.calls:
        names.append(_write_call(graph, tape, call, names))
    given = dict(tape.outputs)
    if every_map:
        given |= {f"call_{number}": number for number in range(len(names))}
    ends = [helper.make_node("Identity", [names[x]], [name]) for name, x in given.items()]
    model = helper.make_model(
        helper.make_graph(
            [*graph.nodes, *ends],
            "footlight",
            [_describe(call.name, call) for call in tape.calls if call.kind == "enter"],
            [_describe(name, tape.calls[x]) for name, x in given.items()],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _describe(name: str, call: Call) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, call.channels, call.height, call.width))


def _write_call(graph: _Graph, tape: Tape, call: Call, names: list[str]) -> str:
    inputs = [names[x] for x in call.inputs]
    if call.kind == "enter":
        return call.name
    if call.kind == "add":
        return graph.node("Add", inputs)
    if call.kind == "squash":
        return graph.node("Sigmoid", inputs)
    assert call.kernel is not None
    if call.kind == "meet":
        y = graph.meet(inputs[0], inputs[1], call, tape.calls[call.inputs[0]].channels)
    else:
        y = graph.conv(inputs[0], call.kernel, call, depthwise=tape.is_depthwise(call))
    return graph.node("Relu", [y]) if call.relu else y
