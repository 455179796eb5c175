"""The manifest, the choice of a language model, and what a fetch shows of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avatar_engine.errors import WeightsError
from avatar_engine.weights import (
    GIB,
    LLM_LARGE,
    LLM_SMALL,
    WEIGHTS,
    OfficialFile,
    RegistryParts,
    Weight,
    choose_llm,
    find_weight,
    is_whole,
)
from avatar_engine.weights.capacity import available_memory, choose_llm_here, choose_llm_to_serve, free_disk
from avatar_engine.weights.progress import (
    FetchProgress,
    ProgressFile,
    ProgressLines,
    progress_path,
    read_arriving_percent,
    read_progress,
)


@pytest.mark.parametrize(
    ("requested", "memory", "disk", "chosen"),
    [
        ("auto", 3 * GIB, 3 * GIB, LLM_LARGE),
        ("auto", 3 * GIB - 1, 9 * GIB, LLM_SMALL),
        ("auto", 9 * GIB, 3 * GIB - 1, LLM_SMALL),
        ("small", 99 * GIB, 99 * GIB, LLM_SMALL),
        ("large", 0, 0, LLM_LARGE),
    ],
)
def test_small_model_where_memory_or_disk_is_short(requested, memory, disk, chosen) -> None:  # type: ignore[no-untyped-def]
    assert choose_llm(requested, memory, disk) is chosen


def put(weight: Weight, folder: Path) -> None:
    """A file of the right size that takes no room."""
    with (folder / weight.file).open("wb") as file:
        file.truncate(weight.bytes)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of free memory that this machine claims to have; its disk is full."""
    free = [9 * GIB]
    monkeypatch.setattr("avatar_engine.weights.capacity.free_disk", lambda _: 0)
    monkeypatch.setattr("avatar_engine.weights.capacity.available_memory", lambda: free[0])
    return free


def test_large_file_that_is_here_needs_no_disk(tmp_path: Path, memory: list[int]) -> None:
    assert choose_llm_here("auto", tmp_path) is LLM_SMALL
    put(LLM_LARGE, tmp_path)
    assert choose_llm_here("auto", tmp_path) is LLM_LARGE


def test_only_file_that_is_here_is_served_even_where_memory_got_short(tmp_path: Path, memory: list[int]) -> None:
    put(LLM_LARGE, tmp_path)
    memory[0] = 2 * GIB
    assert choose_llm_to_serve("auto", tmp_path) is LLM_LARGE
    assert choose_llm_to_serve("small", tmp_path) is LLM_SMALL
    put(LLM_SMALL, tmp_path)
    assert choose_llm_to_serve("auto", tmp_path) is LLM_SMALL


def test_container_limit_counts_where_it_is_lower(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("600000\n")
    (tmp_path / "memory.stat").write_text("anon 400000\ninactive_file 150000\n")
    assert available_memory(tmp_path) == 550_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(tmp_path) > 1_000_000
    assert available_memory(tmp_path / "none") > 1_000_000


def test_free_disk_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_disk(tmp_path / "a" / "b") > 0


def test_every_weight_can_be_told_and_fetched() -> None:
    assert len({weight.name for weight in WEIGHTS}) == len({weight.file for weight in WEIGHTS}) == len(WEIGHTS)
    for weight in WEIGHTS:
        assert len(bytes.fromhex(weight.sha256)) == 32
        assert weight.licence
        assert isinstance(weight.sources[0], OfficialFile)
        assert weight.sources[0].url.startswith("https://")
        for source in weight.sources:
            if isinstance(source, RegistryParts):
                assert (source.count - 1) * source.part_bytes < weight.bytes <= source.count * source.part_bytes


def test_unknown_name_lists_the_choices() -> None:
    assert find_weight(LLM_SMALL.name) is LLM_SMALL
    with pytest.raises(WeightsError, match=LLM_LARGE.name):
        find_weight("gpt")


def test_file_of_another_size_is_not_whole(tmp_path: Path) -> None:
    assert not is_whole(LLM_SMALL, tmp_path)
    (tmp_path / LLM_SMALL.file).write_bytes(b"half")
    assert not is_whole(LLM_SMALL, tmp_path)


def test_progress_file_is_whole_json_and_not_written_too_often(tmp_path: Path) -> None:
    now_s = 0.0
    keep = ProgressFile(tmp_path, lambda: now_s)
    keep(FetchProgress("x", "fetching", 10, 1000))
    keep(FetchProgress("x", "fetching", 420, 1000))
    assert json.loads(progress_path(tmp_path, "x").read_text())["percent"] == 1
    now_s = 1.0
    keep(FetchProgress("x", "fetching", 420, 1000))
    assert read_progress(tmp_path, "x") == FetchProgress("x", "fetching", 420, 1000)
    assert read_arriving_percent(tmp_path, "x") == 42
    keep(FetchProgress("x", "failed", 420, 1000, "no network"))
    assert read_progress(tmp_path, "x") == FetchProgress("x", "failed", 420, 1000, "no network")
    assert read_arriving_percent(tmp_path, "x") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}'])
def test_spoilt_progress_file_is_no_progress(tmp_path: Path, text: str) -> None:
    progress_path(tmp_path, "x").write_text(text)
    assert read_progress(tmp_path, "x") is None


def show(*, terminal: bool) -> str:
    shown: list[str] = []
    lines = ProgressLines(shown.append, terminal=terminal)
    for done in range(0, 2001, 5):
        lines(FetchProgress("x", "fetching", done * 1_000_000, 2_000_000_000))
    for done in range(0, 2001, 5):
        lines(FetchProgress("x", "checking", done * 1_000_000, 2_000_000_000))
    lines(FetchProgress("x", "whole", 2_000_000_000, 2_000_000_000))
    return "".join(shown)


def test_log_gets_a_line_for_every_ten_percent() -> None:
    lines = show(terminal=False).splitlines()
    assert lines[0] == "x: 0% of 2000 MB"
    assert lines[10:] == ["x: 100% of 2000 MB", "x: checking the hash", "x: whole, hash checked"]


def test_terminal_gets_one_bar_that_redraws_itself() -> None:
    shown = show(terminal=True)
    assert shown.count("\n") == 1
    assert shown.count("\r") > 200
    assert "50% of 2000 MB" in shown
    assert shown.endswith("\rx: whole, hash checked\n")
