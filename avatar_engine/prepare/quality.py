"""The verdict on a source: figures, and the reasons to refuse it or to warn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from avatar_engine.face.points import find_crop_points, measure_lips, measure_turn
from avatar_engine.prepare.limits import Limits
from avatar_engine.prepare.picture import Picture
from avatar_engine.prepare.probe import Source
from avatar_engine.prepare.reasons import Reason
from avatar_engine.prepare.scan import Scan
from avatar_engine.prepare.smooth import fill_gaps, find_outside
from avatar_engine.prepare.sound import SoundReport
from avatar_engine.timing import FPS
from avatar_engine.types import Float32, Int32

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Report:
    """figures: name to number, shares as 0..1. reasons: all findings, those that refuse first."""

    figures: dict[str, float]
    reasons: tuple[Reason, ...]

    @property
    def refuses(self) -> bool:
        return any(reason.refuses for reason in self.reasons)

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "accepted": not self.refuses,
            "figures": self.figures,
            "reasons": [reason.to_json() for reason in self.reasons],
        }


class _Findings:
    """Collects reasons; a share is shown in percent."""

    def __init__(self) -> None:
        self._reasons: list[Reason] = []

    def add(self, wrong: bool, code: str, *, refuses: bool = True, **values: Any) -> None:
        if wrong:
            self._reasons.append(Reason(code, refuses, values))

    def list_reasons(self) -> tuple[Reason, ...]:
        return tuple(sorted(self._reasons, key=lambda reason: not reason.refuses))


def judge_face(scan: Scan, limits: Limits) -> Report:
    """What can be said of the faces before there is a square: whether there is one face, and only one."""
    looked = ~np.isnan(scan.second)
    has_face = scan.has_face
    figures = {
        "face_share": float(has_face.mean()),
        "second_face_share": float((scan.second[looked] > limits.second_face_area).mean()) if looked.any() else 0.0,
        "cuts": float((scan.change > limits.cut_change).sum()),
    }
    findings = _Findings()
    findings.add(
        figures["face_share"] < limits.least_face_share,
        "no_face",
        percent=_percent(figures["face_share"]),
        least=_percent(limits.least_face_share),
    )
    findings.add(
        figures["second_face_share"] > limits.most_second_face_share,
        "two_faces",
        percent=_percent(figures["second_face_share"]),
    )
    many = figures["cuts"] > limits.most_cuts_a_minute * scan.presence.size / (60 * FPS)
    findings.add(figures["cuts"] > 0, "cuts", refuses=many, count=int(figures["cuts"]))
    return Report(_rounded(figures), findings.list_reasons())


def judge_picture(source: Source, picture: Picture, scan: Scan, crops: Int32, limits: Limits) -> Report:
    """Size, sharpness, light and movement of a face that is there, and how the file was made."""
    points = fill_gaps(scan.points)
    figures = _measure_picture(source, picture, scan, points, crops, limits)
    findings = _Findings()
    for share, most, code in (
        ("outside_share", limits.most_outside_share, "leaves_picture"),
        ("blurred_share", limits.most_blurred_share, "blurred"),
        ("turned_share", limits.most_turned_share, "turned"),
        ("fast_share", limits.most_fast_share, "moves"),
    ):
        findings.add(figures[share] > most, code, percent=_percent(figures[share]))
    width_px = figures["face_px"]
    for least, refuses in ((limits.least_face_px, True), (limits.least_face_px_warn, False)):
        if width_px < least:
            findings.add(True, "small_face", refuses=refuses, px=round(width_px), least=round(least))
            break
    findings.add(
        not limits.darkest <= figures["brightness"] <= limits.brightest, "dark", level=round(figures["brightness"])
    )
    findings.add(
        figures["seconds"] < limits.little_seconds_warn,
        "little_speech",
        refuses=False,
        minutes=round(figures["seconds"] / 60, 1),
    )
    findings.add(picture.varies, "variable_rate", refuses=False)
    findings.add(source.light != "sdr", "hdr", refuses=False)
    return Report(_rounded(figures), findings.list_reasons())


def judge_sound(sound: SoundReport, limits: Limits) -> Report:
    """Whether there is speech that a presenter can learn from."""
    figures = {
        "speech_share": sound.speech_share,
        "speech_db": sound.speech_db,
        "noise_db": sound.noise_db,
        "clipped_share": sound.clipped_share,
        "missing_sound_s": sound.missing_s,
    }
    findings = _Findings()
    silent = sound.speech_share < limits.least_speech_share
    findings.add(silent, "silent", percent=_percent(sound.speech_share), least=_percent(limits.least_speech_share))
    clipped = sound.clipped_share
    findings.add(
        clipped > limits.most_clipped_share_warn,
        "clipped",
        refuses=clipped > limits.most_clipped_share,
        percent=round(100 * clipped, 1),
    )
    if not silent:
        quiet = sound.speech_db < limits.quiet_speech_db_warn
        findings.add(quiet, "quiet", refuses=False, level=round(sound.speech_db))
        noisy = sound.snr_db < limits.least_snr_db_warn
        least_db = round(limits.least_snr_db_warn)
        findings.add(noisy, "noisy", refuses=False, level=round(sound.snr_db), least=least_db)
    findings.add(sound.missing_s > 0.5, "late_sound", refuses=False, seconds=round(sound.missing_s, 1))
    return Report(_rounded(figures), findings.list_reasons())


def join_reports(*reports: Report) -> Report:
    """One report of several; later figures of the same name win."""
    figures: dict[str, float] = {}
    for report in reports:
        figures |= report.figures
    reasons = [reason for report in reports for reason in report.reasons]
    return Report(figures, tuple(sorted(reasons, key=lambda reason: not reason.refuses)))


def _measure_picture(
    source: Source, picture: Picture, scan: Scan, points: Float32, crops: Int32, limits: Limits
) -> dict[str, float]:
    has_face = scan.has_face
    crop_points = find_crop_points(points)
    face_px = float(np.median(crop_points[:, 2, 0] - crop_points[:, 0, 0]))
    steps = np.linalg.norm(np.diff(crop_points[:, 1], axis=0), axis=1) / max(face_px, 1.0)
    lips = measure_lips(points)
    opening = lips.inner_opening / np.maximum(lips.face, 1.0)
    jitter = np.diff(crops.astype(np.float64), n=2, axis=0)
    return {
        "seconds": picture.frames / FPS,
        "frames": float(picture.frames),
        "width": float(source.width),
        "height": float(source.height),
        "broken": float(picture.broken),
        "face_px": face_px,
        "outside_share": float(find_outside(crops, source.width, source.height).mean()),
        "sharpness": float(np.median(scan.sharpness[has_face])),
        "blurred_share": float((scan.sharpness[has_face] < limits.least_sharpness).mean()),
        "brightness": float(np.median(scan.light[has_face])),
        "turned_share": float((np.abs(measure_turn(points)) > limits.most_turn).mean()),
        "fast_share": float((steps > limits.most_step).mean()) if steps.size else 0.0,
        "mouth_range": float(np.percentile(opening, 95) - np.percentile(opening, 5)),
        "crop_jitter_px": float(np.abs(jitter[:, :2]).mean()) if jitter.size else 0.0,
    }


def _percent(share: float) -> float:
    return round(100 * share, 1)


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items()}
