"""The embedded voice alone: how long until it sounds, and how much of a core it takes while it speaks.

load: a fresh voice until it is warm. first_sound: a sentence handed over -> its first 20 ms of sound, warm.
realtime_percent: time to make the sound as a share of its length. cpu_percent: the same in processor time.
"""

from __future__ import annotations

import asyncio
import time

from avatar_engine.timing import CHUNK_MS
from avatar_engine.voice.hibari import HibariVoice
from benchmarks.figures import build_parser, median, percentile, publish

SENTENCES = (
    "Hello there, and welcome to the show.",
    "I am so happy to see you all tonight!",
    "My name is Mira, and I will be your host for the next hour or so.",
    "What a lovely question, thank you for asking it.",
    "The train to the coast leaves at 7:45, and the ticket costs $12.50.",
    "People may bring a big map, but Bob keeps mum about the problem.",
    "If I could travel anywhere, I would go and see the northern lights.",
    "Well, it depends on the day, the weather and the company.",
    "My favourite colour is the blue of the sky just before the night.",
    "Let me think about that for a moment.",
    "There are about 3.5 million people in that city, and half of them cycle.",
    "Good night, everybody, and take care.",
)
ROUNDS = 4


async def measure() -> dict[str, float]:
    voice = HibariVoice()
    began = time.perf_counter()
    await voice.warm()
    load_s = time.perf_counter() - began
    first_s: list[float] = []
    wall_s = cpu_s = sound_s = 0.0
    for sentence in SENTENCES * ROUNDS:
        began, cpu_began = time.perf_counter(), time.process_time()
        chunks = 0
        async for _ in voice.speak(sentence):
            if not chunks:
                first_s.append(time.perf_counter() - began)
            chunks += 1
        wall_s += time.perf_counter() - began
        cpu_s += time.process_time() - cpu_began
        sound_s += chunks * CHUNK_MS / 1000
    await voice.close()
    return {
        "hibari_load_ms": load_s * 1000,
        "hibari_first_sound_p50_ms": median(first_s) * 1000,
        "hibari_first_sound_p95_ms": percentile(first_s, 0.95) * 1000,
        "hibari_realtime_percent": wall_s / sound_s * 100,
        "hibari_cpu_percent": cpu_s / sound_s * 100,
    }


def main() -> None:
    arguments = build_parser(__doc__).parse_args()
    publish(asyncio.run(measure()), arguments.json)


if __name__ == "__main__":
    main()
