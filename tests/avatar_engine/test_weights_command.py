"""`manage.py weights`, with a tiny manifest."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from avatar_engine.weights import LLM_SMALL, OfficialFile, Weight
from tests.avatar_engine.weights_sources import CONTENT, build_weight, serve_file


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:  # type: ignore[no-untyped-def]
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, data_dir=tmp_path)
    return tmp_path / "weights"


def use_manifest(monkeypatch: pytest.MonkeyPatch, *weights: Weight) -> None:
    monkeypatch.setattr("avatar_engine.weights.WEIGHTS", weights)
    monkeypatch.setattr("avatar_engine.management.commands.weights.WEIGHTS", weights)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("weights", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_the_size_before_it_downloads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_file() as server:
        use_manifest(monkeypatch, build_weight(OfficialFile(server.url)))
        said = run("tiny")
        assert (folder / "tiny.bin").read_bytes() == CONTENT
        assert said.index("Downloading 4 MB") < said.index("% of 4 MB") < said.index("tiny: whole, hash checked")
        assert run("tiny") == "tiny: here\n"
    assert len(server.asked) == 1


def test_list_fetches_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_manifest(monkeypatch, build_weight(OfficialFile("http://127.0.0.1:9/")))
    assert "tiny  4 MB  CC0-1.0  not here  (tests)" in run("--list")
    assert not folder.exists()


def test_verify_finds_a_file_that_went_bad(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_manifest(monkeypatch, build_weight())
    folder.mkdir()
    (folder / "tiny.bin").write_bytes(CONTENT)
    assert run("--verify") == "tiny: right\n"
    (folder / "tiny.bin").write_bytes(b"\0" + CONTENT[1:])
    with pytest.raises(CommandError, match="wrong hash: tiny"):
        run("--verify")


def test_unknown_name_lists_the_choices(folder: Path) -> None:
    with pytest.raises(CommandError, match=LLM_SMALL.name):
        run("gpt")


def test_failure_is_one_clear_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_manifest(monkeypatch, build_weight(OfficialFile("http://127.0.0.1:9/")))
    with pytest.raises(CommandError, match=r"tiny could not be fetched: 127\.0\.0\.1:9 gave nothing"):
        run("tiny")


def test_machine_without_the_embedded_model_wants_nothing(folder: Path, settings) -> None:  # type: ignore[no-untyped-def]
    settings.FOOTLIGHT = replace(settings.FOOTLIGHT, runs_llm=False)
    assert "nothing" in run()
    assert not folder.exists()
