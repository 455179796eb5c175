"""Turns trained weights into the files that a processor runs fast, and measures what eight bits cost."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avatar_engine.errors import CheckpointError
from avatar_engine.lipsync.synctalk_2d.calibration import measure_peaks
from avatar_engine.lipsync.synctalk_2d.crop import build_picture, take_inner
from avatar_engine.lipsync.synctalk_2d.folded import load_folded
from avatar_engine.lipsync.synctalk_2d.layers import PICTURE_CHANNELS, build_reference_tape, build_voice_tape
from avatar_engine.lipsync.synctalk_2d.litert_graph import build_litert
from avatar_engine.lipsync.synctalk_2d.litert_runner import LitertNetworks
from avatar_engine.lipsync.synctalk_2d.onnx_graph import build_onnx
from avatar_engine.lipsync.synctalk_2d.onnx_runner import open_onnx
from avatar_engine.lipsync.synctalk_2d.quantised import Scale, build_scale, build_scales
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.tape import Tape
from avatar_engine.types import Float32, UInt8

logger = logging.getLogger(__name__)

FORMAT = 2
WEIGHTS = "unet.safetensors"
REFERENCE_ONNX, VOICE_ONNX = "unet_reference.onnx", "unet_voice.onnx"
VOICE_INT8 = "unet_voice_int8.tflite"
FLOAT_FILES, INT8_FILES = (REFERENCE_ONNX, VOICE_ONNX), (VOICE_INT8,)
REPORT = "export.json"

CALIBRATION_SAMPLES = 12
CHECK_SAMPLES = 6
"""How many pairs of a picture and a window set the scales, and how many others tell what eight bits cost."""
LEAST_PSNR_DB = 40.0
"""Eight bits are used where they stay this close to float32 inside the mask box."""
SOUND_HEADROOM = 1.2
"""Another voice may be this much louder to the audio encoder than the avatar's own."""
HEARD_SAMPLES = 96
"""How many windows set the scales of the maps that sound alone decides, which are small."""

Sample = dict[str, Float32]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What `export.json` says; it is written last.

    weights_sha256: of the file that was exported. files: SHA-256 of each file that was written. int8_psnr_db: int8
    against float32 inside the mask box, worst of the check samples, None where there was no sound to calibrate with, or
    LiteRT refused the network.
    scales: factors and sign of what enters the int8 voice part, by name.
    """

    format: int
    net: dict[str, object]
    weights_sha256: str
    files: dict[str, str]
    int8_psnr_db: float | None
    scales: dict[str, dict[str, Any]]

    @property
    def int8(self) -> bool:
        """Whether the int8 network is there and close enough."""
        return self.int8_psnr_db is not None and self.int8_psnr_db >= LEAST_PSNR_DB

    def build_scales(self) -> dict[str, Scale]:
        return {
            name: Scale(np.array(scale["factors"], np.float32), bool(scale["signed"]))
            for name, scale in self.scales.items()
        }


@dataclass(frozen=True, slots=True)
class Int8Voice:
    """The LiteRT model of the voice part, and the scales of what enters it."""

    model: bytes
    scales: dict[str, Scale]


def export_networks(
    folder: Path, spec: NetSpec, squares: Sequence[UInt8], windows: Sequence[Float32], threads: int = 2
) -> ExportReport:
    """Write the float32 pair, the int8 voice part and `export.json` beside `unet.safetensors`. Needs no torch.

    squares: crops of the avatar, uint8[S+8, S+8, 3] RGB, at least one; 18 are plenty. windows: float32[16, 512] each,
    a hundred are plenty; int8 is left out without any. The two are paired in turn.
    Raises `CheckpointError` where the weights do not fit `spec`.
    """
    net = load_folded(folder / WEIGHTS, spec)
    files = {REFERENCE_ONNX: build_onnx(build_reference_tape(net)), VOICE_ONNX: build_onnx(build_voice_tape(net))}
    psnr_db, scales = None, dict[str, Scale]()
    if windows:
        samples = complete_samples(files[REFERENCE_ONNX], build_samples(spec, squares, windows), threads)
        voice = build_int8(build_voice_tape(net, fine=True), samples, build_sounds(spec, windows), threads)
        try:
            networks = LitertNetworks(spec, files[REFERENCE_ONNX], voice.model, voice.scales, threads)
            psnr_db = measure_int8(networks, files[VOICE_ONNX], samples[-CHECK_SAMPLES:], threads)
        except CheckpointError as error:
            logger.warning("int8 is left out: %s", error)
        else:
            files[VOICE_INT8], scales = voice.model, voice.scales
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    weights = hash_file(folder / WEIGHTS)
    told = {name: {"factors": scale.factors.tolist(), "signed": scale.signed} for name, scale in scales.items()}
    report = ExportReport(FORMAT, spec.to_json(), weights, hashes, psnr_db, told)
    (folder / REPORT).unlink(missing_ok=True)
    for name, content in files.items():
        _write(folder / name, content)
    _write(folder / REPORT, json.dumps(asdict(report), indent=1).encode())
    return report


def read_report(folder: Path, spec: NetSpec) -> ExportReport | None:
    """What was exported; None where nothing was, it belongs to other weights, or a file is damaged."""
    try:
        report = ExportReport(**json.loads((folder / REPORT).read_text(encoding="utf-8")))
        if (report.format, report.net) != (FORMAT, spec.to_json()) or (report.int8 and not _fit(report, spec)):
            return None
        wanted = {name: report.files[name] for name in INT8_FILES if report.int8} | {
            name: report.files[name] for name in FLOAT_FILES
        }
        if any(hash_file(folder / name) != wanted[name] for name in wanted):
            return None
        weights = folder / WEIGHTS
        return None if weights.exists() and hash_file(weights) != report.weights_sha256 else report
    except (OSError, ValueError, TypeError, KeyError, AttributeError, CheckpointError):
        return None


def _fit(report: ExportReport, spec: NetSpec) -> bool:
    """Whether there is a usable scale for all that enters the int8 voice part."""
    widths = {f"map{number}": width for number, width in enumerate(spec.widths) if number}
    scales = report.build_scales()
    sizes = {name: scale.factors.shape for name, scale in scales.items()}
    if sizes != {name: (width,) for name, width in ({"audio": spec.audio_shape[0]} | widths).items()}:
        return False
    return all(np.isfinite(scale.factors).all() and (scale.factors > 0).all() for scale in scales.values())


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
    session = open_onnx(reference_onnx, threads)
    names = [output.name for output in session.get_outputs()]
    return [
        {**sample, **dict(zip(names, session.run(names, {"picture": sample["picture"]}), strict=True))}
        for sample in samples
    ]


def build_sounds(spec: NetSpec, windows: Sequence[Float32]) -> list[Float32]:
    """float32[1, *spec.audio_shape] of some windows, evenly chosen."""
    chosen = np.unique(np.linspace(0, len(windows) - 1, HEARD_SAMPLES).astype(int))
    return [windows[number].reshape(1, *spec.audio_shape).astype(np.float32) for number in chosen]


def build_int8(tape: Tape, samples: Sequence[Sample], sounds: Sequence[Float32], threads: int) -> Int8Voice:
    """The voice part in int8, scaled to the first samples; what comes before the picture is seen, to the sounds too."""
    samples = samples[:CALIBRATION_SAMPLES]
    peaks = measure_peaks(tape, samples, threads)
    seen = next(number for number, call in enumerate(tape.calls) if 0 in call.inputs)
    heard = [{**samples[number % len(samples)], "audio": sound} for number, sound in enumerate(sounds)]
    peaks[:seen] = measure_peaks(tape.until(seen), heard, threads)
    entries = {call.name: number for number, call in enumerate(tape.calls) if call.kind == "enter"}
    picture = Scale(np.ones(PICTURE_CHANNELS, np.float32), signed=False)
    loudest = np.max([np.abs(sound).max(axis=(0, 2, 3)) for sound in sounds], axis=0) * SOUND_HEADROOM
    sound = build_scale(np.maximum(loudest, loudest.max() / 100), signed=any((sound < 0).any() for sound in sounds))
    maps = {name: build_scale(peaks[x], signed=True) for name, x in entries.items() if name not in ("picture", "audio")}
    scales = {"audio": sound, **maps}
    return Int8Voice(build_litert(tape, build_scales(tape, peaks, {"picture": picture, **scales})), scales)


def measure_int8(networks: LitertNetworks, voice_onnx: bytes, samples: Sequence[Sample], threads: int) -> float:
    """PSNR in dB of the int8 network against float32 inside the mask box, the worst of the samples."""
    session = open_onnx(voice_onnx, threads)
    x0, y0, x1, y1 = networks.spec.mask_box
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
