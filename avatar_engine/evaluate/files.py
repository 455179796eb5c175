"""The weight files that some figures want, and where they may lie. A figure whose file is absent is not available."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LPIPS_FILE = "vgg16_features_fp16_lpips_lin.safetensors"
LIGHT_ASD_FILE = "light_asd_ava.model"
LR_ASD_FILE = "lr_asd_ava.model"
DETECTOR_FILE = "yunet_n_dynamic.onnx"
LANDMARKS_FILE = "face_landmarker.task"


@dataclass(frozen=True, slots=True)
class EvaluationFiles:
    """Paths of what is here, None for what is not."""

    lpips: Path | None
    light_asd: Path | None
    lr_asd: Path | None
    detector: Path | None
    landmarks: Path | None

    @property
    def sees_faces(self) -> bool:
        """Whether lips can be measured at all."""
        return self.detector is not None and self.landmarks is not None


def find_files(folders: Sequence[Path]) -> EvaluationFiles:
    """Look for every file in `folders`, first hit counts, and one level below them."""

    def find(name: str) -> Path | None:
        found = (path for folder in folders for path in (folder / name, *sorted(folder.glob(f"*/{name}"))))
        return next((path for path in found if path.is_file()), None)

    return EvaluationFiles(
        lpips=find(LPIPS_FILE),
        light_asd=find(LIGHT_ASD_FILE),
        lr_asd=find(LR_ASD_FILE),
        detector=find(DETECTOR_FILE),
        landmarks=find(LANDMARKS_FILE),
    )
