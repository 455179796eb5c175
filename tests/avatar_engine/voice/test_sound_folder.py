"""Sound on disk: what is kept comes back whole, stays within its limit, and is shared by processes."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avatar_engine.timing import CHUNK_SAMPLES
from avatar_engine.types import AudioChunk, Mark
from avatar_engine.voice.sound_folder import DISK_MARGIN_BYTES, SoundFolder, SoundKey, clear_sounds

KEY = SoundKey("hibari", 1.0, "en", "Hello there.")
FILE_BYTES = 20_000
"""A little more than a sentence of ten chunks takes."""


def build_sound(seed: int = 0, chunks: int = 10) -> tuple[AudioChunk, ...]:
    pcm = np.random.default_rng(seed).integers(-9000, 9000, (chunks, CHUNK_SAMPLES), np.int16)
    first = AudioChunk(pcm[0], (Mark("word", "Hello", 0.0, 80.5), Mark("phoneme", "ə", 10.0, 20.0)))
    return (first, *(AudioChunk(samples) for samples in pcm[1:]))


def same(one: tuple[AudioChunk, ...] | None, other: tuple[AudioChunk, ...]) -> bool:
    return one is not None and all(
        (a.pcm == b.pcm).all() and a.marks == b.marks for a, b in zip(one, other, strict=True)
    )


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.sound"))


def test_sentence_comes_back_whole(tmp_path: Path) -> None:
    SoundFolder(tmp_path / "cache", 1 << 20).save(KEY, build_sound())
    assert same(SoundFolder(tmp_path / "cache", 1 << 20).load(KEY), build_sound())


@pytest.mark.parametrize(
    "change", [{"voice": "kokoro"}, {"rate": 1.1}, {"language": "zh"}, {"text": "Hello there!"}], ids=str
)
def test_every_part_of_the_key_counts(tmp_path: Path, change: dict[str, object]) -> None:
    folder = SoundFolder(tmp_path, 1 << 20)
    folder.save(KEY, build_sound())
    assert folder.load(replace(KEY, **change)) is None  # type: ignore[arg-type]


def test_the_one_not_asked_for_the_longest_goes_first(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path, 3 * FILE_BYTES)
    keys = [replace(KEY, text=str(number)) for number in range(4)]
    for number, key in enumerate(keys[:3]):
        folder.save(key, build_sound(number))
        os.utime(max(files(tmp_path), key=lambda path: path.stat().st_mtime), (number, number))
    assert folder.load(keys[0])  # asked for now
    folder.save(keys[3], build_sound(3))
    assert [folder.load(key) is not None for key in keys] == [True, False, True, True]
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 3 * FILE_BYTES


def test_sentence_that_never_fits_drops_nothing(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path, FILE_BYTES)
    folder.save(KEY, build_sound())
    folder.save(replace(KEY, text="long"), build_sound(chunks=100))
    assert folder.load(KEY)


@pytest.mark.parametrize("damage", [b"", b"FLSND1", b"x" * 300])
def test_damaged_file_is_dropped_and_made_again(tmp_path: Path, damage: bytes) -> None:
    folder = SoundFolder(tmp_path, 1 << 20)
    folder.save(KEY, build_sound())
    files(tmp_path)[0].write_bytes(damage)
    assert folder.load(KEY) is None
    assert files(tmp_path) == []
    folder.save(KEY, build_sound())
    assert folder.load(KEY)


def test_one_wrong_bit_is_noticed(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path, 1 << 20)
    folder.save(KEY, build_sound())
    data = bytearray(files(tmp_path)[0].read_bytes())
    data[-5] ^= 1
    files(tmp_path)[0].write_bytes(data)
    assert folder.load(KEY) is None


def test_draft_of_a_process_that_died_is_swept_and_a_fresh_one_is_left(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".a.1", tmp_path / ".b.2"
    for draft in (old, fresh):
        draft.write_bytes(b"half")
    os.utime(old, (1.0, 1.0))
    SoundFolder(tmp_path, 1 << 20).save(KEY, build_sound())
    assert (old.exists(), fresh.exists()) == (False, True)


def test_nothing_is_added_to_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    SoundFolder(tmp_path, 1 << 20, lambda _: DISK_MARGIN_BYTES).save(KEY, build_sound())
    assert files(tmp_path) == []


def test_folder_that_cannot_be_written_costs_only_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").write_text("in the way")
    folder = SoundFolder(tmp_path / "cache", 1 << 20)
    folder.save(KEY, build_sound())
    assert "is not kept" in caplog.text


def work(folder: Path, seed: int) -> None:
    sounds = SoundFolder(folder, 3 * FILE_BYTES)
    for number in range(60):
        key = replace(KEY, text=str((number * 7 + seed) % 10))
        kept = sounds.load(key)
        assert kept is None or same(kept, build_sound(int(key.text)))
        sounds.save(key, build_sound(int(key.text)))


def test_two_processes_keep_the_limit_and_never_read_half_a_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(tmp_path, seed)) for seed in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert 0 < sum(path.stat().st_size for path in files(tmp_path)) <= 3 * FILE_BYTES
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".sound"] == [".lock"]


def test_all_can_be_given_up(tmp_path: Path) -> None:
    SoundFolder(tmp_path / "voice_cache", 1 << 20).save(KEY, build_sound())
    size = files(tmp_path / "voice_cache")[0].stat().st_size
    assert clear_sounds(tmp_path) == size
    assert files(tmp_path / "voice_cache") == []
    assert clear_sounds(tmp_path / "nowhere") == 0
