"""Speed of the networks that draw lower faces: the published size on two processor threads, and on a GPU.

The weights are deterministic noise unless `--avatar` gives a folder; noise is as slow as a face. Likeness of int8 to
float32 depends on the weights: that of a trained avatar is in its `export.json` too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from avatar_engine.compose.paste import paste
from avatar_engine.lipsync.synctalk_2d.cpu_generator import CpuGenerator
from avatar_engine.lipsync.synctalk_2d.crop import build_affine, build_picture, take_inner
from avatar_engine.lipsync.synctalk_2d.edge import build_soft_mask
from avatar_engine.lipsync.synctalk_2d.export import export_networks, read_report
from avatar_engine.lipsync.synctalk_2d.generator import Generator, load_generator
from avatar_engine.lipsync.synctalk_2d.spec import PUBLISHED_328, NetSpec
from benchmarks.figures import build_parser, publish
from tests.avatar_engine.lipsync.synctalk_2d.film import Film, build_windows, write_weights

LOOP_FRAMES = 50
FACE_PX = 182
THREADS = 2
HALF_160 = NetSpec(160, (16, 32, 48, 96, 192))


def time_best(step: Callable[[int], object], times: int) -> tuple[float, float]:
    """Wall and processor seconds of the quickest of `times` calls with 0, 1, 2, ..., after one to warm up."""
    step(0)
    walls, works = [], []
    for number in range(times):
        started, worked = time.perf_counter(), time.process_time()
        step(number)
        walls.append(time.perf_counter() - started)
        works.append(time.process_time() - worked)
    return min(walls), min(works)


def build_frame_step(generator: Generator, film: Film) -> Callable[[int], object]:
    """One frame as on air: drawn and laid into a picture of 720 x 720 px."""
    spec, windows = generator.spec, build_windows(8)
    frame = np.full((720, 720, 3), 90, np.uint8)
    rectangle = np.array([260, 300, 260 + FACE_PX, 300 + FACE_PX], np.int32)
    affine, mask = build_affine(rectangle, spec), build_soft_mask(spec)

    def step(number: int) -> object:
        numbers = np.array([number % film.frames], np.int32)
        drawn = generator.generate(numbers, windows[number % 8 : number % 8 + 1])
        return paste(frame, drawn[0], affine, mask)

    return step


def measure_eager(spec: NetSpec, film: Film, times: int, threads: int) -> tuple[float, float]:
    """The network as it is trained, in torch, nothing folded and nothing kept."""
    import torch

    from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet
    from tests.avatar_engine.lipsync.synctalk_2d.golden import fill

    torch.set_num_threads(threads)
    net = fill(UNet(spec))
    inner = take_inner(film.crop(0))
    picture = torch.from_numpy(build_picture(inner, inner, spec))[None]
    audio = torch.from_numpy(build_windows(1)).reshape(1, *spec.audio_shape)
    with torch.inference_mode():
        return time_best(lambda _: net(picture, audio), times)


def measure_size(spec: NetSpec, name: str, times: int) -> dict[str, float]:
    film = Film(spec, LOOP_FRAMES)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_weights(folder, spec)
        squares = [film.crop(frame) for frame in range(18)]
        report = export_networks(folder, spec, squares, list(build_windows(18, seed=1)), THREADS)
        generator = load_generator(folder, spec, film, "cpu", THREADS)
        assert isinstance(generator, CpuGenerator)
        step = build_frame_step(generator, film)
        for frame in range(LOOP_FRAMES):
            step(frame)
        wall, work = time_best(step, times)
        first, _ = time_best(lambda frame: generator.cache._build(frame % LOOP_FRAMES), times)
        single = load_generator(folder, spec, film, "cpu", 1)
        _, work_1 = time_best(build_frame_step(single, film), times)
    eager = {threads: measure_eager(spec, film, max(3, times // 6), threads) for threads in (1, THREADS)}
    assert report.int8_psnr_db is not None
    return {
        f"{name}_fps_2cores": 1 / wall,
        f"{name}_cpu_ms": work * 1000,
        f"{name}_cpu_ms_1thread": work_1 * 1000,
        f"{name}_look_ms": first * 1000,
        f"{name}_eager_fps_2cores": 1 / eager[THREADS][0],
        f"{name}_eager_cpu_ms_1thread": eager[1][1] * 1000,
        f"{name}_vs_eager": min(one[0] for one in eager.values()) / wall,
        f"{name}_vs_eager_cpu": eager[1][1] / work_1,
        f"{name}_psnr_vs_fp32_db": report.int8_psnr_db,
        f"{name}_cache_mb_per_frame": generator.cache.frame_bytes / 1e6,
        f"{name}_cache_mb_250_frames": 250 * generator.cache.frame_bytes / 1e6,
    }


def measure_gpu(spec: NetSpec, times: int) -> dict[str, float]:
    """Four rooms at once on the first card."""
    film, windows = Film(spec, LOOP_FRAMES), build_windows(4)
    with tempfile.TemporaryDirectory() as place:
        write_weights(Path(place), spec)
        generator = load_generator(Path(place), spec, film, "cuda")

    def step(number: int) -> object:
        return generator.generate((np.arange(4) + number).astype(np.int32) % LOOP_FRAMES, windows)

    for number in range(LOOP_FRAMES):
        step(number)
    wall, _ = time_best(step, times)
    return {"gpu_unet328_fps": 4 / wall, "gpu_unet328_rooms": 4 / wall / 25}


def measure_avatar(folder: Path) -> dict[str, float]:
    """What the export of a trained avatar says."""
    from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder

    report = read_report(folder, NetSpec.from_json(AvatarFolder(folder).read_info().net))
    return {} if report is None or report.int8_psnr_db is None else {"avatar_psnr_vs_fp32_db": report.int8_psnr_db}


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--avatar", type=Path, help="a trained and exported avatar folder, for its likeness")
    parser.add_argument("--times", type=int, default=60, help="calls of which the quickest counts")
    arguments = parser.parse_args()
    figures = measure_size(PUBLISHED_328, "unet328", arguments.times)
    figures |= measure_size(HALF_160, "unet168_narrow", arguments.times)
    if arguments.avatar is not None:
        figures |= measure_avatar(arguments.avatar)
    import torch

    if torch.cuda.is_available():
        figures |= measure_gpu(PUBLISHED_328, arguments.times)
    publish(figures, arguments.json)


if __name__ == "__main__":
    main()
