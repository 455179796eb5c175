"""The gate of the air, and the file of figures it reads."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from avatar_engine.errors import EvaluationError
from avatar_engine.evaluate import gate
from avatar_engine.evaluate.gate import Shortfall, check_evaluation
from avatar_engine.evaluate.network_hash import hash_network
from avatar_engine.evaluate.result import (
    RESULT_FILE,
    Evaluation,
    format_table,
    load_evaluation,
    save_evaluation,
)
from avatar_engine.lipsync.synctalk_2d.engine import DEFAULT_AVATAR as SHIPPED

GOOD = Evaluation(
    avatar="mira",
    made_at="2026-01-02T03:04:05+00:00",
    network_sha256="abc",
    truth=gate.TRUTH_VIDEO,
    frames=120,
    crop_psnr_db=28.0,
    frame_psnr_db=38.0,
    crop_ssim=0.93,
    lmd_px=1.9,
    lmd_share=0.011,
    opening_correlation=0.82,
    opening_lag_ms=12.0,
    judges={"light_asd": {"score": 1.5, "lag_ms": -8.0, "confidence": 1.2}},
    fps=31.0,
    absent={"crop_lpips": "its weights are not here"},
)


def codes(found: Evaluation | None) -> list[str]:
    return [item.code for item in check_evaluation(found, "abc")]


def test_a_good_avatar_passes() -> None:
    assert codes(GOOD) == []


def test_an_avatar_that_was_never_evaluated_does_not_pass() -> None:
    assert codes(None) == ["not_evaluated"]


def test_figures_of_another_network_do_not_count() -> None:
    assert [item.code for item in check_evaluation(GOOD, "xyz")] == ["changed_since"]
    nobody = dataclasses.replace(GOOD, network_sha256="")
    assert [item.code for item in check_evaluation(nobody, "")] == ["changed_since"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("opening_correlation", 0.49, "correlation"),
        ("opening_correlation", None, "correlation_unknown"),
        ("opening_lag_ms", 46.0, "late"),
        ("opening_lag_ms", -81.0, "early"),
        ("crop_psnr_db", 23.9, "psnr"),
        ("crop_psnr_db", None, "psnr_unknown"),
        ("lmd_share", 0.031, "lmd"),
        ("lmd_share", None, "lmd_unknown"),
        ("crop_lpips", 0.31, "lpips"),
    ],
)
def test_every_demand_holds_by_itself(name: str, value: float | None, code: str) -> None:
    assert codes(dataclasses.replace(GOOD, **{name: value})) == [code]


def test_at_the_limits_it_passes() -> None:
    edge = dataclasses.replace(
        GOOD,
        opening_correlation=gate.LEAST_CORRELATION,
        opening_lag_ms=gate.LATEST_LIPS_MS,
        crop_psnr_db=gate.LEAST_CROP_PSNR_DB,
        lmd_share=gate.MOST_LMD_SHARE,
        crop_lpips=gate.MOST_CROP_LPIPS,
    )
    assert codes(edge) == []


def test_pictures_are_not_asked_of_a_presenter_without_a_video_of_its_own() -> None:
    drawn = dataclasses.replace(GOOD, truth=gate.TRUTH_MARKS, crop_psnr_db=None, lmd_share=None)
    assert codes(drawn) == []
    assert codes(dataclasses.replace(drawn, opening_correlation=0.2)) == ["correlation"]


def test_a_shortfall_says_how_far_it_is_off() -> None:
    late = check_evaluation(dataclasses.replace(GOOD, opening_lag_ms=80.0), "abc")
    assert late == (Shortfall("late", 80.0, gate.LATEST_LIPS_MS),)


def test_every_shortfall_is_told_at_once() -> None:
    assert codes(dataclasses.replace(GOOD, opening_correlation=0.1, crop_psnr_db=10.0)) == ["correlation", "psnr"]


def test_figures_survive_the_file(tmp_path: Path) -> None:
    assert load_evaluation(tmp_path) is None
    save_evaluation(GOOD, tmp_path)
    assert load_evaluation(tmp_path) == GOOD
    assert [path.name for path in tmp_path.iterdir()] == [RESULT_FILE]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 2}',
        json.dumps(GOOD.to_json() | {"crop_psnr_db": "much"}),
        json.dumps(GOOD.to_json() | {"crop_psnr_db": float("nan")}),
        json.dumps(GOOD.to_json() | {"unknown": 1}),
        json.dumps({k: v for k, v in GOOD.to_json().items() if k != "truth"}),
    ],
)
def test_a_damaged_file_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / RESULT_FILE).write_text(text)
    with pytest.raises(EvaluationError, match=RESULT_FILE):
        load_evaluation(tmp_path)


def test_the_table_shows_what_is_known_and_why_the_rest_is_not() -> None:
    table = format_table(GOOD)
    assert "28.000 dB" in table
    assert "n/a" in table
    assert "its weights are not here" in table
    assert "light_asd" in table
    assert "confidence 1.20" in table


def test_what_is_exported_counts_as_the_weights_it_was_made_from(tmp_path: Path) -> None:
    assert hash_network(tmp_path) == ""
    (tmp_path / "unet.safetensors").write_bytes(b"weights")
    trained = hash_network(tmp_path)
    (tmp_path / "export.json").write_text(json.dumps({"weights_sha256": "0" * 64}))
    assert hash_network(tmp_path) == trained
    (tmp_path / "export.json").write_text(json.dumps({"weights_sha256": trained}))
    (tmp_path / "unet.safetensors").unlink()
    assert hash_network(tmp_path) == trained


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weights_sha256": 3}', '{"weights_sha256": "../x"}'])
def test_an_export_that_names_no_weights_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "export.json").write_text(text)
    assert hash_network(tmp_path) == ""


def test_the_presenter_that_ships_passed() -> None:
    shipped = SHIPPED / RESULT_FILE
    if not shipped.is_file():
        pytest.skip("no presenter ships with figures")
    assert check_evaluation(load_evaluation(SHIPPED), hash_network(SHIPPED)) == ()
