"""Why a video is refused, and what is worth a warning: codes for the page, words for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from avatar_engine.errors import PreparationError

WORDS: dict[str, str] = {
    "empty": "the file is empty",
    "missing": "there is no such file",
    "not_a_video": "this is not a video that can be read: {detail}",
    "picture": "this is a picture, not a video",
    "no_picture": "the file has no moving picture",
    "damaged": "the video is damaged: {broken} of {frames} frames cannot be read",
    "cut_off": "the video breaks off after {seconds} s of {stated} s: was it copied to the end?",
    "too_short": "{seconds} s are too short: at least {least} s are wanted",
    "too_long": "{minutes} minutes are too long: at most {most} minutes are taken; cut the best part out",
    "too_small": "the picture has {width} x {height} px: at least {least} px are wanted on the shorter side",
    "too_large": "a picture of {width} x {height} px is too large: at most {most} million pixels are taken",
    "no_sound": "the video has no sound; a presenter learns to speak from picture and sound together",
    "no_face": "a face was found in {percent} % of the frames: {least} % are wanted",
    "two_faces": "a second face was found in {percent} % of the frames: only the presenter may be seen",
    "small_face": "the face is {px} px wide, at least {least} px are wanted: come closer or film larger",
    "leaves_picture": "the lower face leaves the picture in {percent} % of the frames",
    "blurred": "the face is blurred in {percent} % of the frames: set the focus, use more light",
    "turned": "the head is turned away in {percent} % of the frames: look into the camera",
    "moves": "the head moves too fast in {percent} % of the frames: keep it calmer, on a tripod",
    "dark": "the face is too dark or too bright (brightness {level} of 255): change the light",
    "cuts": "there are {count} cuts, where the presenter will jump: one continuous take is best",
    "silent": "nothing can be heard: speech was found in {percent} % of the time, {least} % are wanted",
    "quiet": "speech is only {level} dB loud: come closer to the microphone",
    "noisy": "speech stands only {level} dB above the noise of the room: {least} dB are wanted",
    "clipped": "{percent} % of the sound is overdriven: turn the microphone down",
    "late_sound": "the sound is {seconds} s shorter than the picture; the rest counts as silence",
    "variable_rate": "the frame rate varies; frames were placed at 25 a second by their times",
    "hdr": "the video is HDR; its colours were brought to the normal range",
    "little_speech": "{minutes} minutes will teach the lips only roughly: 3 to 5 minutes are best",
    "no_training": "without sound this avatar can stand and listen, but it cannot learn to speak",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding. `values` fill the places in its words; `refuses` says whether the video cannot be taken with it."""

    code: str
    refuses: bool
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return WORDS[self.code].format_map(self.values)

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "refuses": self.refuses, "values": dict(self.values)}


class SourceRefused(PreparationError):
    """A source that is not taken, with all reasons that are known. `report` is the JSON of what was measured."""

    def __init__(self, reasons: Sequence[Reason], report: Mapping[str, Any] | None = None) -> None:
        super().__init__("; ".join(str(reason) for reason in reasons))
        self.reasons = tuple(reasons)
        self.report = report


def refuse(code: str, **values: Any) -> SourceRefused:
    """The refusal for one reason that makes all further questions pointless."""
    return SourceRefused([Reason(code, refuses=True, values=values)])
