"""The float32 networks in ONNX Runtime: exact, on any processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.crop import build_picture
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32, UInt8

Maps = list[npt.NDArray[Any]]


class OnnxNetworks:
    """Both parts of one network. Maps are kept in float16, which costs less than the last bit of a picture."""

    def __init__(self, spec: NetSpec, reference: bytes, voice: bytes, threads: int) -> None:
        """The parts as `export.py` writes them. Raises `CheckpointError` for models of other sizes than `spec`."""
        self.spec = spec
        self._reference = open_onnx(reference, threads)
        self._voice = open_onnx(voice, threads)
        self._names = [f"map{number}" for number in range(1, len(spec.widths))]
        wanted = {"picture": (6, spec.inner, spec.inner), "audio": spec.audio_shape}
        wanted |= {f"map{i}": (width, spec.inner >> i, spec.inner >> i) for i, width in enumerate(spec.widths) if i}
        found = {entry.name: tuple(entry.shape[1:]) for entry in self._voice.get_inputs()}
        if found != wanted:
            raise CheckpointError(f"the exported network is not of {spec.inner} px and widths {spec.widths}")

    def look(self, inner: UInt8) -> Maps:
        """What depends on the source picture uint8[S, S, 3] RGB alone."""
        picture = build_picture(inner, inner, self.spec)[None]
        return [made.astype(np.float16) for made in self._reference.run(self._names, {"picture": picture})]

    def draw(self, inner: UInt8, maps: Maps, sound: Float32) -> UInt8:
        """uint8[S, S, 3] RGB from a source picture, what `look` made of it, and float32[*spec.audio_shape]."""
        entries = {name: made.astype(np.float32) for name, made in zip(self._names, maps, strict=True)}
        entries |= {"picture": build_picture(inner, inner, self.spec)[None], "audio": sound[None]}
        drawn = self._voice.run(["drawn"], entries)[0][0]
        return np.ascontiguousarray((drawn[::-1] * np.float32(255)).astype(np.uint8).transpose(1, 2, 0))


def open_onnx(model: bytes, threads: int) -> Any:
    """An ONNX Runtime session on the CPU, whose threads sleep between pictures. Raises `CheckpointError`."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except (
        states.Fail,
        states.InvalidGraph,
        states.InvalidProtobuf,
        states.InvalidArgument,
        states.NotImplemented,
        states.RuntimeException,
    ) as error:
        raise CheckpointError(f"an exported network is damaged: {str(error).strip()[:200]}") from error
