"""Make Footlight's audio encoder: `python -m avatar_engine.lipsync.synctalk_2d.encoder_training --out DIR`.

Stopped at any time, the same command goes on where it was. About an hour of one core in all.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from avatar_engine.lipsync.synctalk_2d.encoder_training.corpus import GROUPS, Clip, load_clips, make_corpus
from avatar_engine.lipsync.synctalk_2d.encoder_training.deliver import HEADS_FILE, deliver
from avatar_engine.lipsync.synctalk_2d.encoder_training.filmed import FilmedClip, load_films, measure_films
from avatar_engine.lipsync.synctalk_2d.encoder_training.lessons import Lessons, scale_lips
from avatar_engine.lipsync.synctalk_2d.encoder_training.report import Agreement, check_filmed, check_said
from avatar_engine.lipsync.synctalk_2d.encoder_training.schooling import Plan, School
from avatar_engine.weights import KOKORO, weight_path

if TYPE_CHECKING:
    from avatar_engine.lipsync.synctalk_2d.encoder_training.nets.encoder import TaughtEncoder

log = logging.getLogger(__name__)

NETWORK_FILE = "ave_footlight.onnx"
REPORT_FILE = "report.json"


def main() -> None:
    """See the module."""
    args = _parse()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    corpus = args.out / "said"
    films = args.out / "filmed"
    if not args.as_it_is:
        make_corpus(corpus, weight_path(KOKORO, args.weights))
        measure_films([*args.films, *args.held_films], films, args.detector, args.landmarker)
    _train(args, corpus, films)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for corpus, training state and result")
    parser.add_argument("--weights", type=Path, default=Path("data/weights"), help="folder with kokoro's network")
    parser.add_argument("--films", type=Path, nargs="*", default=[], help="filmed speech to train on")
    parser.add_argument("--held-films", type=Path, nargs="*", default=[], help="filmed speech to measure on")
    parser.add_argument("--detector", type=Path, default=Path("data/weights/yunet_n_dynamic.onnx"))
    parser.add_argument("--landmarker", type=Path, default=Path("data/weights/face_landmarker.task"))
    parser.add_argument("--lessons", type=int, default=120, help="of 48 clips each")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after so many; the same command goes on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--as-it-is", action="store_true", help="make no more of the corpus")
    return parser.parse_args()


def _train(args: argparse.Namespace, corpus: Path, films: Path) -> None:
    import torch

    torch.set_num_threads(args.threads)
    said = [clip for group, clip in load_clips(corpus, held=False) for _ in range(group.repeats)]
    filmed = [clip for film in args.films for clip in scale_lips(load_films(films, film.stem))]
    log.info("%d said and %d filmed clips", len(said), len(filmed))
    school = School(args.out / "school", Plan(args.lessons))
    done = school.study(Lessons(said, filmed, seed=1), time.monotonic() + args.minutes * 60)
    log.info("%s after %d lessons", "done" if done else "not done", school.lesson)
    deliver(school.average, said[::8], args.out / NETWORK_FILE, args.out / HEADS_FILE)
    report = _report(school.average, corpus, films, args.held_films)
    (args.out / REPORT_FILE).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _report(net: TaughtEncoder, corpus: Path, films: Path, held: Sequence[Path]) -> dict[str, dict[str, float]]:
    clips: dict[str, list[Clip]] = {group.name: [] for group in GROUPS if group.held}
    for group, clip in load_clips(corpus, held=True):
        clips[group.name].append(clip)
    found = {name: check_said(net, some) for name, some in clips.items() if some}
    for speaker, people in _by_speaker(films, held).items():
        found |= {f"{speaker}_{head}": check_filmed(net, people, head) for head in ("lips", "shape")}
    for name, agreement in found.items():
        log.info("%-22s r %.3f  lag %+5.0f ms  (%d frames)", name, *_figures(agreement))
    return {name: asdict(agreement) for name, agreement in found.items()}


def _by_speaker(films: Path, held: Sequence[Path]) -> dict[str, list[FilmedClip]]:
    """Held-out films grouped by what stands before the underscore of their names."""
    speakers: dict[str, list[FilmedClip]] = {}
    for film in held:
        speakers.setdefault(film.stem.partition("_")[0], []).extend(load_films(films, film.stem))
    return {name: scale_lips(clips) for name, clips in speakers.items() if clips}


def _figures(agreement: Agreement) -> tuple[float, float, int]:
    return agreement.correlation, agreement.lag_ms, agreement.frames


if __name__ == "__main__":
    main()
