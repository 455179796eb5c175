"""Time of one frame of the drawn presenter on one core: process CPU time, OpenCV held to one thread."""

from __future__ import annotations

import time

import cv2
import numpy as np

from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.base import Session
from avatar_engine.lipsync.registry import load_engine_class
from avatar_engine.timing import FRAME_MS, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from avatar_engine.types import Mark, SpeechWindow
from benchmarks.figures import build_parser, publish

SIDES = (512, 720)
FRAMES = 375
WARM_UP_FRAMES = 25
PHONE_MS = 85.0
PHONEMES = "hɛlOɛvɹibɑdimInAmɪzæmbəɹændsOhæpitəsijuhɪɹɑnðəstAʤtənIt"


def measure(session: Session, *, speaking: bool) -> float:
    """Milliseconds of CPU per frame, drawn one at a time as on air."""
    t = np.arange((FRAMES + WARM_UP_FRAMES) * SAMPLES_PER_FRAME) / SAMPLE_RATE_HZ
    stream = load_extractor("spectral").open()
    stream.push(np.round(9000 * np.sin(2 * np.pi * 200 * t) * np.sin(2 * np.pi * 2 * t)).astype(np.int16), last=True)
    signs = PHONEMES * (1 + int(t.size / SAMPLE_RATE_HZ * 1000 / PHONE_MS / len(PHONEMES)))
    started = 0.0
    for pose in range(FRAMES + WARM_UP_FRAMES):
        if pose == WARM_UP_FRAMES:
            started = time.process_time()
        first = max(0, int(pose * FRAME_MS / PHONE_MS) - 4)
        marks = [
            Mark("phoneme", signs[i], i * PHONE_MS - pose * FRAME_MS, (i + 1) * PHONE_MS - pose * FRAME_MS)
            for i in range(first, first + 9)
        ]
        window = SpeechWindow(stream.take(1), tuple(marks) if speaking else (), np.array([speaking]))
        session.render(window, np.array([pose], np.int32))
    return (time.process_time() - started) * 1000 / FRAMES


def main() -> None:
    arguments = build_parser(__doc__).parse_args()
    cv2.setNumThreads(1)
    engine = load_engine_class("drawn").load(None, "cpu")
    figures: dict[str, float] = {}
    for side in SIDES:
        started = time.process_time()
        session = engine.open(1, side, side)
        figures[f"drawn_open_{side}_ms"] = (time.process_time() - started) * 1000
        figures[f"drawn_idle_{side}_ms"] = measure(session, speaking=False)
        figures[f"drawn_speaking_{side}_ms"] = measure(session, speaking=True)
    publish(figures, arguments.json)


if __name__ == "__main__":
    main()
