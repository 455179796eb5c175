"""Every voice that can run here: how long until it sounds, and how much of a core it takes while it speaks.

load: a fresh voice until it is warm. first_sound: a sentence handed over -> its first 20 ms of sound, warm.
realtime_percent: time to make the sound as a share of its length. cpu_percent: the same in processor time of this
process; programs of their own count in realtime_percent alone. Voices that need a network or a server are left out.

`--wav FOLDER` keeps the sound, as 16 kHz files with the text beside them, for a word error rate.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

from avatar_engine.errors import VoiceError
from avatar_engine.timing import CHUNK_MS, SAMPLE_RATE_HZ
from avatar_engine.voice.base import Voice
from avatar_engine.voice.espeak import EspeakVoice
from avatar_engine.voice.hibari import HibariVoice
from avatar_engine.voice.kokoro import KokoroVoice
from avatar_engine.voice.piper import PiperVoice
from benchmarks.figures import build_parser, median, percentile, publish
from mysite.env import read_env

ENGLISH = (
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
CHINESE = (
    "大家好，欢迎来到今天的节目。",
    "今天晚上见到你们，我非常高兴！",
    "我叫米拉，接下来的一个小时由我来主持。",
    "这个问题问得真好，谢谢你。",
    "去海边的火车早上七点四十五分出发。",
    "如果可以去任何地方旅行，我想去看北极光。",
    "这要看天气，也要看和谁在一起。",
    "我最喜欢的颜色是天黑之前的那种蓝色。",
    "请让我想一想。",
    "那座城市大约有三百五十万人，一半的人骑自行车。",
    "我们明天晚上八点再见。",
    "晚安，大家保重。",
)
SENTENCES = {"en": ENGLISH, "zh": CHINESE}


def list_voices() -> list[tuple[Voice, str]]:
    """Voices that can run on this machine, with the languages to measure."""
    data = read_env().data_dir
    kokoro = KokoroVoice(data / "weights")
    voices: list[tuple[Voice, str]] = [(HibariVoice(), "en"), (kokoro, "en"), (kokoro, "zh")]
    voices += [(PiperVoice(model), "en") for model in sorted((data / "voices").glob("*.onnx"))]
    voices += [(EspeakVoice(), "en")]
    return [(voice, language) for voice, language in voices if voice.card.speaks(language)]


async def measure(voice: Voice, language: str, rounds: int, folder: Path | None) -> dict[str, float]:
    began = time.perf_counter()
    await voice.warm()
    load_s = time.perf_counter() - began
    first_s: list[float] = []
    wall_s = cpu_s = sound_s = 0.0
    for number, sentence in enumerate(SENTENCES[language] * rounds):
        began, cpu_began = time.perf_counter(), time.process_time()
        chunks = []
        async for chunk in voice.speak(sentence, language):
            if not chunks:
                first_s.append(time.perf_counter() - began)
            chunks.append(chunk.pcm)
        wall_s += time.perf_counter() - began
        cpu_s += time.process_time() - cpu_began
        sound_s += len(chunks) * CHUNK_MS / 1000
        if folder is not None and number < len(SENTENCES[language]):
            save(folder / f"{voice.card.name}-{language}-{number:02}", np.concatenate(chunks), sentence)
    name = voice.card.name if language == "en" else f"{voice.card.name}_{language}"
    return {
        f"{name}_load_ms": load_s * 1000,
        f"{name}_first_sound_p50_ms": median(first_s) * 1000,
        f"{name}_first_sound_p95_ms": percentile(first_s, 0.95) * 1000,
        f"{name}_realtime_percent": wall_s / sound_s * 100,
        f"{name}_cpu_percent": cpu_s / sound_s * 100,
    }


def save(path: Path, pcm: np.ndarray, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(f"{path}.wav", soxr.resample(pcm, SAMPLE_RATE_HZ, 16_000), 16_000)
    path.with_name(path.name + ".txt").write_text(text + "\n", encoding="utf-8")


async def measure_all(rounds: int, folder: Path | None) -> dict[str, float]:
    figures: dict[str, float] = {}
    for voice, language in list_voices():
        try:
            figures |= await measure(voice, language, rounds, folder)
        except VoiceError as error:
            print(f"{voice.card.name} is left out: {error}")
    return figures


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="how often every sentence is said")
    parser.add_argument("--wav", type=Path, metavar="FOLDER", help="also write the sound here")
    arguments = parser.parse_args()
    publish(asyncio.run(measure_all(arguments.rounds, arguments.wav)), arguments.json)


if __name__ == "__main__":
    main()
