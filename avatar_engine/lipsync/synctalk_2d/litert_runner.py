"""The int8 networks in LiteRT, whose kernels (XNNPACK) are twice as fast as float32 on a processor with VNNI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.crop import build_picture, mask_inner
from avatar_engine.lipsync.synctalk_2d.onnx_runner import Maps, open_onnx
from avatar_engine.lipsync.synctalk_2d.quantised import Scale
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.types import Float32, UInt8

_SIGN = 0x80


class LitertNetworks:
    """The voice part in int8. Pictures are looked at in float32, once each, and their maps kept in int8."""

    def __init__(
        self, spec: NetSpec, reference_onnx: bytes, voice: bytes, scales: Mapping[str, Scale], threads: int
    ) -> None:
        """Files and scales as `export.py` makes them. Raises `CheckpointError` for models of other sizes."""
        self.spec = spec
        self._scales = dict(scales)
        self._reference = open_onnx(reference_onnx, threads)
        self._names = [f"map{number}" for number in range(1, len(spec.widths))]
        self._voice = _Part(voice, threads)
        side = spec.inner
        channels, high, wide = spec.audio_shape
        wanted = {"picture": (1, side, side, 6), "audio": (1, high, wide, channels)}
        wanted |= {f"map{i}": (1, side >> i, side >> i, width) for i, width in enumerate(spec.widths) if i}
        if self._voice.shapes != wanted:
            raise CheckpointError(f"the exported network is not of {spec.inner} px and widths {spec.widths}")

    def look(self, inner: UInt8) -> Maps:
        """What depends on the source picture uint8[S, S, 3] RGB alone."""
        made = self._reference.run(self._names, {"picture": build_picture(inner, inner, self.spec)[None]})
        return [
            self._scales[name].to_int8(values.transpose(0, 2, 3, 1))
            for name, values in zip(self._names, made, strict=True)
        ]

    def draw(self, inner: UInt8, maps: Maps, sound: Float32) -> UInt8:
        """uint8[S, S, 3] RGB from a source picture, what `look` made of it, and float32[*spec.audio_shape]."""
        drawn = self.draw_float(inner, maps, sound)
        return np.ascontiguousarray((drawn * np.float32(255)).astype(np.uint8)[:, :, ::-1])

    def draw_float(self, inner: UInt8, maps: Maps, sound: Float32) -> Float32:
        """The same as float32[S, S, 3] BGR in 0..1."""
        entries = {f"map{number}": made for number, made in enumerate(maps, 1)}
        heard = sound.reshape(self.spec.audio_shape).transpose(1, 2, 0)
        entries |= {"picture": self._build_picture(inner), "audio": self._scales["audio"].to_int8(heard)[None]}
        (drawn,) = self._voice.run(entries)
        return np.asarray(drawn[0], np.float32)

    def _build_picture(self, inner: UInt8) -> npt.NDArray[np.int8]:
        """The reference and the masked picture as int8[1, S, S, 6] BGR: value v in 0..255 is held as v - 128."""
        both = np.concatenate([inner[:, :, ::-1], mask_inner(inner, self.spec)[:, :, ::-1]], axis=2)
        return (both ^ np.uint8(_SIGN)).view(np.int8)[None]


class _Part:
    """One LiteRT model."""

    def __init__(self, model: bytes, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_content=model, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f"an exported network is damaged: {str(error).strip()[:200]}") from error
        entries = self._interpreter.get_input_details()
        self.shapes = {entry["name"]: tuple(int(side) for side in entry["shape"]) for entry in entries}
        self._entries = {entry["name"]: entry["index"] for entry in entries}
        self._results = [result["index"] for result in self._interpreter.get_output_details()]

    def run(self, entries: dict[str, npt.NDArray[Any]]) -> Maps:
        for name, values in entries.items():
            self._interpreter.set_tensor(self._entries[name], values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._results]
