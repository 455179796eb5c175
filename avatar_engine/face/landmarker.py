"""478 points of a face: MediaPipe's landmark network, run by LiteRT without MediaPipe."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar_engine.errors import WeightsError
from avatar_engine.face.region import Region, cut_region
from avatar_engine.face.topology import POINTS
from avatar_engine.types import Float32, UInt8

INPUT_PX = 256
_MEMBER = "face_landmarks_detector.tflite"


@dataclass(frozen=True, slots=True)
class Mesh:
    """points: float32[478, 2], x and y in pixels of the whole picture. presence: 0 to 1, whether there is a face."""

    points: Float32
    presence: float


class FaceLandmarker:
    """Holds the network. Not for several threads at once."""

    def __init__(self, bundle: Path, *, threads: int = 1) -> None:
        """`bundle` is `face_landmarker.task`. Raises `WeightsError`."""
        from ai_edge_litert.interpreter import Interpreter

        try:
            with zipfile.ZipFile(bundle) as archive:
                content = archive.read(_MEMBER)
            self._net = Interpreter(model_content=content, num_threads=threads)
            self._net.allocate_tensors()
        except (OSError, zipfile.BadZipFile, KeyError, ValueError, RuntimeError) as error:
            raise WeightsError(f"{bundle.name} is no bundle of face landmarks: {error}") from error
        self._input = self._net.get_input_details()[0]["index"]
        outputs = {int(np.prod(output["shape"])): output["index"] for output in self._net.get_output_details()[::-1]}
        if POINTS * 3 not in outputs or 1 not in outputs:
            raise WeightsError(f"{bundle.name} does not give {POINTS} points")
        self._points = outputs[POINTS * 3]
        self._presence = next(
            output["index"] for output in self._net.get_output_details() if output["shape"].tolist() == [1, 1, 1, 1]
        )

    def locate(self, rgb: UInt8, region: Region) -> Mesh:
        """The points of the face that lies in `region` of uint8[h, w, 3] RGB."""
        crop = cut_region(rgb, region, INPUT_PX).astype(np.float32) / 255
        self._net.set_tensor(self._input, crop[None])
        self._net.invoke()
        in_crop = self._net.get_tensor(self._points).reshape(POINTS, 3)[:, :2].astype(np.float64)
        logit = float(self._net.get_tensor(self._presence).reshape(()))
        affine = region.to_affine(INPUT_PX)
        points = in_crop @ affine[:, :2].T + affine[:, 2]
        return Mesh(points.astype(np.float32), 1 / (1 + np.exp(-logit)))
