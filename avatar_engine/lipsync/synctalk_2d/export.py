"""Turns trained weights into the files that a processor runs fast, and measures what eight bits cost."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.calibration import measure_peaks
from avatar_engine.lipsync.synctalk_2d.crop import build_picture, take_inner
from avatar_engine.lipsync.synctalk_2d.folded import load_folded
from avatar_engine.lipsync.synctalk_2d.layers import PICTURE_CHANNELS, build_reference_tape, build_voice_tape
from avatar_engine.lipsync.synctalk_2d.litert_graph import build_litert
from avatar_engine.lipsync.synctalk_2d.onnx_graph import build_onnx
from avatar_engine.lipsync.synctalk_2d.quantised import Scale, build_scales
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.tape import Tape
from avatar_engine.types import Float32, UInt8

FORMAT = 1
WEIGHTS = "unet.safetensors"
REFERENCE_ONNX, VOICE_ONNX = "unet_reference.onnx", "unet_voice.onnx"
REFERENCE_INT8, VOICE_INT8 = "unet_reference_int8.tflite", "unet_voice_int8.tflite"
FLOAT_FILES, INT8_FILES = (REFERENCE_ONNX, VOICE_ONNX), (REFERENCE_INT8, VOICE_INT8)
REPORT = "export.json"

CALIBRATION_SAMPLES = 12
CHECK_SAMPLES = 6
"""How many pairs of a picture and a window set the scales, and how many others tell what eight bits cost."""
LEAST_PSNR_DB = 40.0
"""Eight bits are used where they stay this close to float32 inside the mask box."""
SOUND_HEADROOM = 1.2
"""Another voice may be this much louder to the audio encoder than the avatar's own."""

Sample = dict[str, Float32]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What `export.json` says; it is written last.

    weights_sha256: of the file that was exported. files: SHA-256 of each file that was written. int8_psnr_db: int8
    against float32 inside the mask box, worst of the check samples, None where there was no sound to calibrate with.
    sound_factors, sound_signed: scale of the int8 audio input.
    """

    format: int
    net: dict[str, object]
    weights_sha256: str
    files: dict[str, str]
    int8_psnr_db: float | None
    sound_factors: list[float]
    sound_signed: bool

    @property
    def int8(self) -> bool:
        """Whether the int8 networks are there and close enough."""
        return self.int8_psnr_db is not None and self.int8_psnr_db >= LEAST_PSNR_DB

    @property
    def sound_scale(self) -> Scale:
        return Scale(np.array(self.sound_factors, np.float32), self.sound_signed)


@dataclass(frozen=True, slots=True)
class Int8Networks:
    """The two LiteRT models and the scale of the audio input."""

    reference: bytes
    voice: bytes
    sound: Scale


def export_networks(
    folder: Path, spec: NetSpec, squares: Sequence[UInt8], windows: Sequence[Float32], threads: int = 2
) -> ExportReport:
    """Write the float32 pair, the int8 pair and `export.json` beside `unet.safetensors`. Needs no torch.

    squares: crops of the avatar, uint8[S+8, S+8, 3] RGB, at least one. windows: float32[16, 512] each; int8 is left
    out without any. The two are paired in turn; 18 of each are plenty. Takes some seconds per sample at full size.
    Raises `CheckpointError` where the weights do not fit `spec`.
    """
    net = load_folded(folder / WEIGHTS, spec)
    tapes = build_reference_tape(net), build_voice_tape(net)
    files = {REFERENCE_ONNX: build_onnx(tapes[0]), VOICE_ONNX: build_onnx(tapes[1])}
    psnr_db, sound = None, Scale(np.ones(spec.audio_shape[0], np.float32), signed=False)
    if windows:
        samples = complete_samples(files[REFERENCE_ONNX], build_samples(spec, squares, windows), threads)
        int8 = build_int8(tapes, samples[:CALIBRATION_SAMPLES], threads)
        psnr_db = measure_int8(spec, int8, files[VOICE_ONNX], samples[-CHECK_SAMPLES:], threads)
        files |= {REFERENCE_INT8: int8.reference, VOICE_INT8: int8.voice}
        sound = int8.sound
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    factors = [float(factor) for factor in sound.factors]
    weights = hash_file(folder / WEIGHTS)
    report = ExportReport(FORMAT, spec.to_json(), weights, hashes, psnr_db, factors, sound.signed)
    (folder / REPORT).unlink(missing_ok=True)
    for name, content in files.items():
        _write(folder / name, content)
    _write(folder / REPORT, json.dumps(asdict(report), indent=1).encode())
    return report


def read_report(folder: Path, spec: NetSpec) -> ExportReport | None:
    """What was exported; None where nothing was, it belongs to other weights, or a file is damaged."""
    try:
        report = ExportReport(**json.loads((folder / REPORT).read_text(encoding="utf-8")))
        sound = report.sound_scale
        fits = (report.format, report.net) == (FORMAT, spec.to_json()) and sound.factors.shape == spec.audio_shape[:1]
        if not fits or not np.isfinite(sound.factors).all() or not (sound.factors > 0).all():
            return None
        wanted = {name: report.files[name] for name in INT8_FILES if report.int8} | {
            name: report.files[name] for name in FLOAT_FILES
        }
        if any(hash_file(folder / name) != wanted[name] for name in wanted):
            return None
        weights = folder / WEIGHTS
        return None if weights.exists() and hash_file(weights) != report.weights_sha256 else report
    except (OSError, ValueError, TypeError, KeyError, CheckpointError):
        return None


def hash_file(path: Path) -> str:
    """SHA-256 of a file. Raises `CheckpointError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path.name} cannot be read: {error.strerror}") from error


def build_samples(spec: NetSpec, squares: Sequence[UInt8], windows: Sequence[Float32]) -> list[Sample]:
    """Pictures float32[1, 6, S, S] with sound float32[1, *spec.audio_shape], enough to calibrate and to check."""
    count = min(CALIBRATION_SAMPLES + CHECK_SAMPLES, max(len(squares), len(windows)))
    samples = []
    for number in range(count):
        inner = take_inner(squares[number % len(squares)])
        sound = windows[number % len(windows)].reshape(1, *spec.audio_shape)
        samples.append({"picture": build_picture(inner, inner, spec)[None], "audio": sound.astype(np.float32)})
    return samples


def complete_samples(reference_onnx: bytes, samples: Sequence[Sample], threads: int) -> list[Sample]:
    """The samples with the maps of their pictures, as the voice part wants them."""
    from avatar_engine.lipsync.synctalk_2d.onnx_runner import open_onnx

    session = open_onnx(reference_onnx, threads)
    names = [output.name for output in session.get_outputs()]
    return [
        {**sample, **dict(zip(names, session.run(names, {"picture": sample["picture"]}), strict=True))}
        for sample in samples
    ]


def build_int8(tapes: tuple[Tape, Tape], samples: Sequence[Sample], threads: int) -> Int8Networks:
    """Both parts in int8, scaled to what the samples hold."""
    picture = Scale(np.ones(PICTURE_CHANNELS, np.float32), signed=False)
    pictures = ({"picture": sample["picture"]} for sample in samples)
    scales = build_scales(tapes[0], measure_peaks(tapes[0], pictures, threads), {"picture": picture})
    heard = np.concatenate([sample["audio"] for sample in samples])
    loudest = np.abs(heard).max(axis=(0, 2, 3)) * SOUND_HEADROOM
    sound = Scale(np.maximum(loudest, max(float(loudest.max()) / 100, 1e-6)), signed=bool((heard < 0).any()))
    maps = {name: scales[x] for name, x in tapes[0].outputs.items()}
    known = {"picture": picture, "audio": sound, **maps}
    voice = build_scales(tapes[1], measure_peaks(tapes[1], samples, threads), known)
    return Int8Networks(build_litert(tapes[0], scales), build_litert(tapes[1], voice), sound)


def measure_int8(
    spec: NetSpec, int8: Int8Networks, voice_onnx: bytes, samples: Sequence[Sample], threads: int
) -> float:
    """PSNR in dB of the int8 networks against float32 inside the mask box, the worst of the samples."""
    from avatar_engine.lipsync.synctalk_2d.litert_runner import LitertNetworks
    from avatar_engine.lipsync.synctalk_2d.onnx_runner import open_onnx

    session = open_onnx(voice_onnx, threads)
    networks = LitertNetworks(spec, int8.reference, int8.voice, int8.sound, threads)
    x0, y0, x1, y1 = spec.mask_box
    worst = math.inf
    for sample in samples:
        wanted = session.run(["drawn"], dict(sample))[0][0, :, y0:y1, x0:x1]
        inner = np.rint(sample["picture"][0, 2::-1] * 255).astype(np.uint8).transpose(1, 2, 0)
        drawn = networks.draw_float(inner, networks.look(inner), sample["audio"])
        error = float(np.square(drawn[y0:y1, x0:x1].transpose(2, 0, 1) - wanted).mean())
        worst = min(worst, -10 * math.log10(max(error, 1e-10)))
    return worst


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_model(folder: Path, name: str) -> bytes:
    """One exported file. Raises `CheckpointError` where it cannot be read."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise CheckpointError(f"the exported network {name} cannot be read: {error.strerror}") from error
