"""What the audio encoders of SyncTalk_2D take of a core: ours, and the published network's size.

core_percent: processor time of one live stream, mel and encoder, at 25 frames a second, as a share of one core.
The published network runs with weights made by a formula where its own are not here; the time is the same.
"""

from __future__ import annotations

import time

import numpy as np

from avatar_engine.features.ave import AveExtractor
from avatar_engine.features.ave_footlight import NETWORK
from avatar_engine.features.ave_net import EncoderNet, build_network
from avatar_engine.timing import CHUNK_SAMPLES, FPS
from benchmarks.figures import build_parser, publish
from tests.avatar_engine.features.golden_encoder import build_state


def measure(extractor: AveExtractor, seconds: int) -> dict[str, float]:
    """A stream of noise in chunks of 20 ms."""
    pcm = np.random.default_rng(1).normal(0, 3000, seconds * 48_000).astype(np.int16)
    stream = extractor.open()
    frames = 0
    began, began_cpu = time.perf_counter(), time.process_time()
    for start in range(0, pcm.size, CHUNK_SAMPLES):
        stream.push(pcm[start : start + CHUNK_SAMPLES])
        frames += len(stream.take(stream.ready))
    cpu_s, wall_s = time.process_time() - began_cpu, time.perf_counter() - began
    return {
        "ms_per_frame": round(cpu_s * 1000 / frames, 2),
        "core_percent": round(cpu_s * 100 * FPS / frames, 1),
        "wall_ms_per_frame": round(wall_s * 1000 / frames, 2),
    }


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="length of the sound")
    arguments = parser.parse_args()
    encoders = {"ave": EncoderNet(build_network(build_state()))}
    if NETWORK.exists():
        encoders["ave_footlight"] = EncoderNet.load(NETWORK)
    figures = {}
    for name, encoder in encoders.items():
        measured = measure(AveExtractor(encoder), arguments.seconds)
        figures |= {f"{name}_{key}": value for key, value in measured.items()}
    publish(figures, arguments.json)


if __name__ == "__main__":
    main()
