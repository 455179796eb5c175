"""What training gives: speaker s1 of the GRID corpus, learned from his training clips, tested on 50 he never showed.

Every test frame is drawn with a reference from the training clips. The baseline of the same run needs no network:
another of his faces, laid over the frame with its eyes on those of the frame. Both are compared inside the mask box.

`--minutes` ends a run of training early; the next run goes on. Figures are named `grid_*` for the published size and
`grid160_*` for the small one. Needs FOOTLIGHT_SHARED.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch

from avatar_engine.evaluate.files import find_files
from avatar_engine.evaluate.held_out import read_pairs
from avatar_engine.evaluate.lips import LipReader, measure_opening
from avatar_engine.evaluate.lpips import Lpips
from avatar_engine.evaluate.opening import LagMatch, match_tracks
from avatar_engine.evaluate.pictures import PictureFigures, Redrawer, measure_pictures
from avatar_engine.evaluate.sheet import build_sheet, save_sheet
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.lipsync.synctalk_2d.spec import NetSpec
from avatar_engine.lipsync.synctalk_2d.training.avatar_training import AvatarTraining
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.options import NETS, choose_options
from avatar_engine.lipsync.synctalk_2d.training.run import choose_device, choose_precision, prepare_device
from avatar_engine.lipsync.synctalk_2d.training.unet_phase import UNET_FILE
from benchmarks.figures import build_parser, publish
from benchmarks.grid_corpus import CLIP_FRAMES, build_grid_avatar
from mysite.env import read_env

SEED = 11
FRAMES_PER_CLIP = 4
SPOKEN = slice(10, 65)
"""Frames of a clip in which he speaks: before and after it he waits."""


def train(avatar: AvatarFolder, net: str, minutes: float, steps: int, device: str, shared: Path) -> None:
    """Begin or go on. Training keeps its best network in the folder `train` whenever it looks at held-out frames."""
    wanted = choose_options(net, device, steps=steps, precision=choose_precision(device))
    limits = Limits(avatar.train_path, seconds=minutes * 60)
    print("training:", AvatarTraining(avatar, shared / "data").run(wanted, limits, device), flush=True)


def measure_test(
    test: AvatarFolder, train_avatar: AvatarFolder, redrawer: Redrawer, spec: NetSpec, lips: LipReader, lpips: Lpips
) -> PictureFigures:
    """Some frames of every test clip, each with a reference from anywhere in the training clips."""
    clips = test.read_info().frames // CLIP_FRAMES
    places = np.linspace(SPOKEN.start, SPOKEN.stop - 1, FRAMES_PER_CLIP).round().astype(int)
    numbers = (np.arange(clips)[:, None] * CLIP_FRAMES + places).ravel().astype(np.int32)
    references = np.random.default_rng(SEED).integers(0, train_avatar.read_info().frames, numbers.size)
    pairs = read_pairs(test, numbers, train_avatar, references.astype(np.int32))
    return measure_pictures((redrawer.redraw(pair) for pair in pairs), spec, lips, lpips)


def measure_lag(
    test: AvatarFolder, train_avatar: AvatarFolder, redrawer: Redrawer, lips: LipReader, clips: int, sheet: Path
) -> LagMatch | None:
    """Whole spoken stretches, one reference each: opening of the drawn mouth against that of the true one."""
    drawn_runs, true_runs, rows = [], [], []
    rng = np.random.default_rng(SEED + 1)
    for clip in range(clips):
        numbers = np.arange(SPOKEN.start, SPOKEN.stop, dtype=np.int32) + clip * CLIP_FRAMES
        references = np.full(numbers.size, rng.integers(0, train_avatar.read_info().frames), np.int32)
        drawn, true, shown = [], [], []
        for pair in read_pairs(test, numbers, train_avatar, references):
            redrawn = redrawer.redraw(pair)
            true.append(read_opening(lips, pair.frame, pair.points))
            drawn.append(read_opening(lips, redrawn.frame, pair.points))
            shown.append((redrawn.true_inner, redrawn.inner))
        drawn_runs.append(drawn)
        true_runs.append(true)
        if clip < 3:
            rows += [(f"clip {clip}\ntrue", [t for t, _ in shown[::6]]), ("drawn", [d for _, d in shown[::6]])]
    save_sheet(build_sheet("GRID s1, test clips", rows), sheet)
    return match_tracks(drawn_runs, true_runs)


def read_opening(lips: LipReader, picture: np.ndarray, near: np.ndarray) -> float:
    points = lips.find_near(picture, near)
    return float("nan") if points is None else measure_opening(points)


def name_figures(net: str, pictures: PictureFigures, match: LagMatch | None) -> dict[str, float]:
    prefix = "grid" if NETS[net].inner == 320 else "grid160"
    found = {
        "crop_psnr_db": pictures.crop_psnr_db,
        "paste_psnr_db": pictures.paste_psnr_db,
        "gain_db": pictures.crop_psnr_db - pictures.paste_psnr_db,
        "ssim": pictures.crop_ssim,
        "lpips": pictures.crop_lpips,
        "lmd_px": pictures.lmd_px,
        "lmd_vs_paste": pictures.lmd_px / pictures.paste_lmd_px,
    }
    if match is not None:
        found |= {"corr": match.correlation, "lag_ms": match.lag_ms}
    return {f"{prefix}_{name}": value for name, value in found.items()}


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--work", type=Path, help="where folders and training lie; without it DATA/benchmarks/grid")
    parser.add_argument("--net", choices=list(NETS), default="narrow")
    parser.add_argument("--minutes", type=float, default=0.0, help="train for so long before measuring")
    parser.add_argument("--steps", type=int, default=20_000, help="steps of the whole training")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--train-clips", type=int, default=250)
    parser.add_argument("--test-clips", type=int, default=50)
    parser.add_argument("--lag-clips", type=int, default=12, help="test clips drawn frame by frame")
    arguments = parser.parse_args()
    env = read_env()
    if env.shared is None:
        parser.error("FOOTLIGHT_SHARED names no folder with the corpus")
    device = choose_device(arguments.device)
    prepare_device(device, arguments.threads)
    work = arguments.work or env.data_dir / "benchmarks" / "grid"
    files = find_files([env.shared / "data"])
    corpus = env.shared / "data" / "grid_corpus_s1"
    learned = build_grid_avatar(corpus, "train", arguments.train_clips, work / "train", files)
    test = build_grid_avatar(corpus, "test", arguments.test_clips, work / "test", files)
    if arguments.minutes:
        train(learned, arguments.net, arguments.minutes, arguments.steps, device, env.shared)
    weights = learned.train_path / UNET_FILE
    if not weights.is_file() or files.lpips is None:
        print("nothing to measure yet: train with --minutes, and have the LPIPS weights in FOOTLIGHT_SHARED")
        return
    torch.set_num_threads(arguments.threads)
    spec = NETS[arguments.net]
    redrawer, lips = Redrawer(weights, spec), LipReader(files)
    pictures = measure_test(test, learned, redrawer, spec, lips, Lpips(files.lpips))
    match = measure_lag(test, learned, redrawer, lips, arguments.lag_clips, work / "sheet.jpg")
    for name, value in dataclasses.asdict(pictures).items():
        print(f"{name:<16} {value:.4f}")
    publish(name_figures(arguments.net, pictures, match), arguments.json)


if __name__ == "__main__":
    main()
