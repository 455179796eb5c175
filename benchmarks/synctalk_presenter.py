"""Whether the presenter's lips follow the voice: drawn mouths, read from the pictures, against the mouths asked for.

Sentences that nothing was trained on go through engine, session and paste of the stage. Voices that tell their
phonemes give the true opening (that of the studio that painted the presenter); real speech gives the lips that were
filmed with it, and its loudness.

presenter_corr, presenter_lag_ms:   all voices with marks together; plus: lips are late.
presenter_<voice>_corr:             each of them.
presenter_real_corr:                filmed lips of two GRID speakers whom nobody trained on.
presenter_real_loudness_corr:       loudness of recorded speech.
presenter_fps:                      frames drawn a second on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from avatar_engine.errors import VoiceError
from avatar_engine.evaluate.avatar import choose_room
from avatar_engine.evaluate.files import EvaluationFiles, find_files
from avatar_engine.evaluate.held_out import measure_openings
from avatar_engine.evaluate.lips import LipReader
from avatar_engine.evaluate.on_air import PlayedTake, Stand, judge_takes
from avatar_engine.evaluate.opening import LagMatch
from avatar_engine.evaluate.sheet import build_sheet, save_sheet
from avatar_engine.evaluate.takes import RECORDED_RATE_HZ, Take, build_recorded_take, measure_loudness, speak_takes
from avatar_engine.features.registry import load_extractor
from avatar_engine.lipsync.synctalk_2d.engine import DEFAULT_AVATAR, SyncTalk2DEngine
from avatar_engine.lipsync.synctalk_2d.folder import AvatarFolder
from avatar_engine.voice.base import Voice
from avatar_engine.voice.hibari import HibariVoice
from avatar_engine.voice.kokoro import KokoroVoice
from benchmarks.figures import build_parser, publish
from benchmarks.grid_corpus import find_points, read_pictures, read_sound
from mysite.env import read_env

ENGLISH = (
    "The baker put five warm loaves on the window sill above the market.",
    "Please move the blue umbrella before somebody falls over it again.",
    "We watched two foxes jump over a frozen puddle behind the farm.",
    "Maybe my brother forgot that the ferry leaves at half past seven.",
    "Oh no, who ate the whole apple pie while I was away?",
    "Very few people have ever heard this music performed in public.",
)
CHINESE = (
    "木瓜和芒果都放在厨房的白色盘子里。",
    "我弟弟每天早上骑自行车去图书馆。",
    "马路对面的花店又开门了，你看见没有？",
    "博物馆的老房子比我们想的还要大。",
)
REAL_CLIPS = 8
CLIP_FRAMES = 75
RECORDINGS = ("jfk.flac", "librivox_austen_0870.wav", "speechbrain_spk1_snt1.wav", "speechbrain_spk2_snt1.wav")
MOST_SECONDS = 10
FIRST_POSES = 37
"""Takes begin this many poses apart, so that heads and mouths meet in many ways."""


async def speak_all(weights: Path, sentences: int) -> dict[str, list[Take]]:
    """By voice and language: hibari, and a speaker of Kokoro whom neither encoder nor presenter was trained on."""
    speakers = {"en": "am_michael", "zh": "am_michael"}
    wanted: list[tuple[str, Voice, str, Sequence[str]]] = [
        ("hibari_en", HibariVoice(), "en", ENGLISH),
        ("kokoro_en", KokoroVoice(weights, speakers), "en", ENGLISH[::-1]),
        ("kokoro_zh", KokoroVoice(weights, speakers), "zh", CHINESE),
    ]
    found = {}
    for name, voice, language, texts in wanted:
        try:
            found[name] = await speak_takes(voice, texts[:sentences], language)
        except VoiceError as error:
            print(f"{name} is left out: {error}")
        await voice.close()
    return found


def record_lips(folder: Path, clips: int, files: EvaluationFiles) -> list[Take]:
    """Filmed speech with the openings measured in its own video."""
    paths = sorted(folder.glob("*.mpg"))
    takes = []
    for path in paths[:: max(1, len(paths) // clips)][:clips]:
        points = find_points(read_pictures(path, CLIP_FRAMES), CLIP_FRAMES, files)
        takes.append(build_recorded_take(path.stem, read_sound(path), measure_openings(points)))
    return takes


def record_loudness(folder: Path) -> list[Take]:
    """Recorded speech with its loudness in the place of an opening."""
    takes = []
    for name in RECORDINGS:
        samples, rate_hz = soundfile.read(folder / name, dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate_hz, RECORDED_RATE_HZ)[: MOST_SECONDS * RECORDED_RATE_HZ]
        sound = np.clip(mono * 32767, -32768, 32767).astype(np.int16)
        frames = sound.size // (RECORDED_RATE_HZ // 25)
        take = build_recorded_take(name, sound, np.zeros(frames, np.float32))
        takes.append(Take(take.name, take.sound, (), measure_loudness(take.sound)))
    return takes


def play(stand: Stand, takes: Sequence[Take]) -> tuple[list[PlayedTake], LagMatch | None]:
    played = [stand.play(take, first_pose=number * FIRST_POSES) for number, take in enumerate(takes)]
    return played, judge_takes(played, stand, []).match


def measure(
    stand: Stand, arguments: argparse.Namespace, files: EvaluationFiles, shared: Path | None
) -> dict[str, float]:
    figures: dict[str, float] = {}
    everything: list[PlayedTake] = []
    for name, takes in asyncio.run(speak_all(read_env().data_dir / "weights", arguments.sentences)).items():
        played, match = play(stand, takes)
        everything += played
        note(figures, f"presenter_{name}", match)
    note(figures, "presenter", judge_takes(everything, stand, []).match)
    if shared is not None:
        _, lips = play(stand, record_lips(shared / "data" / "grid_unseen_speakers", arguments.clips, files))
        note(figures, "presenter_real", lips)
        _, loudness = play(stand, record_loudness(shared / "data" / "speech_audio"))
        note(figures, "presenter_real_loudness", loudness)
    figures["presenter_fps"] = stand.fps
    if arguments.sheet:
        rows = [(item.take.name.replace("-", "\n"), item.pictures) for item in everything[::2]]
        save_sheet(build_sheet("presenter", rows), arguments.sheet)
    return figures


def note(figures: dict[str, float], name: str, match: LagMatch | None) -> None:
    if match is not None:
        figures |= {f"{name}_corr": match.correlation, f"{name}_lag_ms": match.lag_ms}
        print(f"{name:<26} r {match.correlation:.3f} at {match.lag_ms:+.0f} ms ({match.frames} frames)", flush=True)


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--folder", type=Path, default=DEFAULT_AVATAR, help="another avatar folder")
    parser.add_argument("--sentences", type=int, default=6, help="of each voice")
    parser.add_argument("--clips", type=int, default=REAL_CLIPS, help="of filmed speech")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sheet", type=Path, help="write pictures here")
    arguments = parser.parse_args()
    env = read_env()
    weights = env.data_dir / "weights"
    files = find_files([weights, *([env.shared / "data"] if env.shared else [])])
    engine = SyncTalk2DEngine.load(arguments.folder, arguments.device)
    room = choose_room(AvatarFolder(arguments.folder).read_info())
    stand = Stand(engine, load_extractor(engine.capabilities.features, weights), room, LipReader(files))
    figures = measure(stand, arguments, files, env.shared)
    print(f"load of this machine: {os.getloadavg()[0]:.1f}")
    publish(figures, arguments.json)


if __name__ == "__main__":
    main()
