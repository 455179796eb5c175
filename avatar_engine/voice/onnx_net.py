"""Opens the network of a voice in ONNX Runtime, with one of its inner tensors as one more output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from avatar_engine.errors import VoiceError


def load_session(path: Path, exposed: str, threads: int) -> Any:
    """The network of `path`, its tensor `exposed` as the last output. Raises `VoiceError`, `OSError`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    # Threads that spin while they wait would take the core from the picture.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    model = expose_output(path.read_bytes(), exposed)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except onnx_errors() as error:
        raise VoiceError(f"{path.name} does not load: {error}", retryable=False) from error


def onnx_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; its exceptions share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "RuntimeException")
    return tuple(getattr(state, name) for name in names)


def expose_output(model: bytes, name: str) -> bytes:
    """ONNX bytes with tensor `name` as one more output.

    A protobuf message that comes twice is merged, so a second `graph` (field 7) that holds one `output` (field 12)
    with a `name` (field 1) is all it takes.
    """

    def field(number: int, body: bytes) -> bytes:
        if len(body) > 127:
            raise ValueError("one-byte lengths only")
        return bytes([number << 3 | 2, len(body)]) + body

    return model + field(7, field(12, field(1, name.encode())))
